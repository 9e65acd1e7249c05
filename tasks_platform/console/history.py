"""Where Flower keeps what it has seen, across its restarts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tasks_platform.embedded.locks import FileLock

_NAME: Final = "history"
#: The locks of this process, which it holds to its end.
_held: list[FileLock] = []


def own_history(state_dir: Path) -> Path | None:
    """Return the file of Flower's history; None where another Flower keeps it, for two would spoil it."""
    folder = state_dir.expanduser().absolute() / "flower"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FileLock(folder / "lock")
    if not lock.try_alone():
        lock.close()
        return None
    _held.append(lock)
    return folder / _NAME
