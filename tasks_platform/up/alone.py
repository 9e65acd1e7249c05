"""At most one of a kind for each state folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks_platform.embedded.locks import FileLock
from tasks_platform.errors import PlatformError


@contextmanager
def the_only_one(state_dir: Path) -> Iterator[None]:
    """Hold the state folder for ``tasks-platform up``.

    Raises:
        PlatformError: if another one holds it; the message says which.

    """
    state_dir.mkdir(parents=True, exist_ok=True)
    path = state_dir / "up.lock"
    lock = FileLock(path)
    try:
        if not lock.try_alone():
            raise PlatformError(
                f"tasks-platform up runs already for {state_dir}, as process {path.read_text().strip() or '?'}; "
                "end it, or set TASKS_STATE_DIR to a folder for another one"
            )
        path.write_text(f"{os.getpid()}\n")
        yield
    finally:
        lock.close()
