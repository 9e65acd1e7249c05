"""Follow the log of a part, line by line, from where it ends now."""

from __future__ import annotations

from collections import deque
from pathlib import Path

#: Bytes that are read at once, and bytes after which a log is put aside when its part is started anew.
_CHUNK = 1 << 18
LARGEST = 10_000_000
#: Lines that are remembered for whoever asks why the part died.
_LAST = 12


class LogFile:
    """The lines that are added to a log; a part writes to a file, so that nothing stops it: not even our end."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > LARGEST:
            path.replace(path.with_name(f"{path.name}.1"))
        path.touch(mode=0o600)
        self._file = path.open("rb")
        self._file.seek(0, 2)
        self._begun = b""
        #: The last lines so far.
        self.last: deque[str] = deque(maxlen=_LAST)

    def new_lines(self, *, at_the_end: bool = False) -> list[str]:
        """Return the whole lines that were added since; *at_the_end* also one that was not completed."""
        whole, newline, self._begun = (self._begun + self._file.read(_CHUNK)).rpartition(b"\n")
        found = whole.decode(errors="replace").split("\n") if newline else []
        if at_the_end and self._begun:
            found.append(self._begun.decode(errors="replace"))
            self._begun = b""
        found = [line.rstrip("\r") for line in found]
        self.last.extend(found)
        return found

    def close(self) -> None:
        """Stop following."""
        self._file.close()
