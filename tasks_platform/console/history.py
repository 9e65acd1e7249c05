"""Where Flower keeps what it has seen, across its restarts."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

_NAME: Final = "history"
#: The locks of this process, which it holds to its end.
_held: list[int] = []


def own_history(state_dir: Path) -> Path | None:
    """Return the file of Flower's history; None where another Flower keeps it, for two would spoil it."""
    folder = state_dir.expanduser().absolute() / "flower"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    _held.append(lock)
    return folder / _NAME
