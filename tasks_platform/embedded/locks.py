"""Locks on files that end with the processes that hold them, however those end."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """A flock on a file.

    The lock belongs to the opened file, not to the process: a forked child shares it, and it ends when the last of
    them closed the file or ended. A started program does not inherit it, unless the descriptor is passed on.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def try_shared(self) -> bool:
        """Take the lock together with others; false when somebody holds it alone."""
        return self._try(fcntl.LOCK_SH)

    def try_alone(self) -> bool:
        """Take the lock alone; false when anybody holds it."""
        return self._try(fcntl.LOCK_EX)

    def close(self) -> None:
        """Let go of the lock in this process; forked children keep their share."""
        os.close(self.descriptor)

    def release(self) -> None:
        """Give the lock up for this process and every forked child that shares it."""
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)

    def _try(self, mode: int) -> bool:
        try:
            fcntl.flock(self.descriptor, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def held_alone(path: Path) -> bool:
    """Tell whether somebody holds the lock on *path* alone right now.

    Looking takes the lock for a moment: whoever wants it alone tries again.
    """
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        if not lock.try_shared():
            return True
        # Closing would not do: a child forked by another thread in this very moment would go on holding it.
        lock.release()
        return False
    finally:
        lock.close()
