"""What the workers of a participant write down: each its records in room of its own in one file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final, NamedTuple

_RECORD: Final = struct.Struct("=qq")


class Begun(NamedTuple):
    """When a job was begun (a nap: ended), in ns of the clock that all processes share, and by which process."""

    moment: int
    pid: int


class Diary:
    """The records in a file; those that are empty there is only room for, yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: How many of the first records are written: they need not be counted again.
        self._complete = 0

    def count(self) -> int:
        """Return how many records are written."""
        moments: list[int] = memoryview(self._read(self._complete)).cast("q")[::2].tolist()
        first = moments.index(0) if 0 in moments else len(moments)
        self._complete += first
        return self._complete + len(moments) - moments.count(0) - first

    def records(self) -> list[Begun]:
        """Return the records in the order of their moments."""
        return sorted(Begun(*record) for record in _RECORD.iter_unpack(self._read(0)) if record[0])

    def _read(self, begin: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(begin * _RECORD.size)
            found = file.read()
        return found[: len(found) - len(found) % _RECORD.size]
