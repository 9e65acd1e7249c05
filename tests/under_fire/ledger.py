"""The ledger: what was sent, and what was run, independent of everything that is tested.

A line is a kind, a name, and what else is to be known, with the time. Lines are appended by single writes, so that many
processes can write, and be killed while they do.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: A job is about to be sent; it was sent; nobody knows whether it was.
SENDING, SENT, UNSURE = "sending", "sent", "unsure"
#: A run begins and ends: with the process, and the one that has started it.
STARTED, ENDED = "started", "ended"
#: What was done to which processes.
FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger."""

    at: float
    kind: str
    name: str
    pids: tuple[int, ...]


def write(kind: str, name: str, *pids: int) -> None:
    """Append a line to the ledger that the environment names."""
    os.write(_file(os.getpid()), f"{time.time():.6f}\t{kind}\t{name}\t{','.join(map(str, pids))}\n".encode())


@cache
def _file(_process: int) -> int:
    return os.open(os.environ["CHAOS_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of a ledger, in order."""
    with path.open() as file:
        for text in file:
            at, kind, name, pids = text.rstrip("\n").split("\t")
            yield Line(float(at), kind, name, tuple(int(pid) for pid in pids.split(",") if pid))
