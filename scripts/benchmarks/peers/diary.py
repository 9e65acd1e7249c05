"""What the workers of a participant write down: each its records in room of its own in one file."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
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
        #: How many records were looked at, and which of them were empty: the others need not be looked at again.
        self._seen = 0
        self._empty: list[int] = []

    def count(self) -> int:
        """Return how many records are written."""
        with self._moments() as moments:
            self._empty += range(self._seen, len(moments))
            self._seen = len(moments)
            self._empty = [number for number in self._empty if not moments[number]]
        return self._seen - len(self._empty)

    def records(self) -> list[Begun]:
        """Return the records in the order of their moments."""
        whole = self._path.read_bytes()
        complete = whole[: len(whole) - len(whole) % _RECORD.size]
        return sorted(Begun(*record) for record in _RECORD.iter_unpack(complete) if record[0])

    @contextmanager
    def _moments(self) -> Iterator[memoryview]:
        """Return the moment of each record, as it is in the file just now."""
        size = self._path.stat().st_size // _RECORD.size * _RECORD.size
        if not size:
            yield memoryview(b"")
            return
        with (
            self._path.open("rb") as file,
            mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as whole,
            memoryview(whole) as parts,
            parts.cast("q") as numbers,
            numbers[::2] as moments,
        ):
            yield moments
