"""The ledger: what was told to producers, and what was run, independent of every server."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final, NamedTuple

from acceptance.diary import note

#: A producer was told that its job is in its queue, and where it has to be; or that nobody knows.
TOLD, UNSURE = "told", "unsure"
#: Who shows that it goes on: two kinds of workers, a beat, one that waits for results, one that reads records.
KINDS: Final = ("producer", "prefork", "threads", "beat", "results", "store")
#: Those of them that run jobs.
WORKERS: Final = ("prefork", "threads")


class Line(NamedTuple):
    """Something that happened."""

    at: float
    what: str
    name: str


def write(what: str, name: str = "-") -> None:
    """Append a line."""
    note(os.environ["SWITCH_LEDGER"], f"{time.time():.4f}\t{what}\t{name}")


def read(path: Path) -> list[Line]:
    """Return all lines, in order of time."""
    if not path.exists():
        return []
    lines = (text.split("\t") for text in path.read_text().splitlines())
    return sorted(Line(float(at), what, name) for at, what, name in lines)
