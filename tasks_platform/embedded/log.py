"""The log that supervisor and server share."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from tasks_platform.embedded.records import private

#: A larger log is put aside when a supervisor starts; the one put aside before is forgotten.
LARGEST = 1_000_000


def write_to(path: Path) -> None:
    """Send everything this process and its children say to the log."""
    if path.exists() and path.stat().st_size > LARGEST:
        path.replace(path.with_name(f"{path.name}.1"))
    with open(path, "ab", opener=private) as log:
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)


def note(line: str) -> None:
    """Add a line of the supervisor's own."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stderr.write(f"{os.getpid()}:supervisor {now} {line}\n")
    sys.stderr.flush()


def last_lines(path: Path, start: int, count: int = 3) -> str:
    """Return the last lines written after the byte *start*, as one."""
    with path.open("rb") as log:
        log.seek(start)
        lines = log.read().decode(errors="replace").split("\n")
    return " / ".join([line.strip() for line in lines if line.strip()][-count:])
