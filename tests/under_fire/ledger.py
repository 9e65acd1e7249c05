"""The ledger: what was sent, what was run and what was done to it, independent of everything that is tested.

A line is a kind, a name, and what else is to be known, with the time. Lines are appended by single writes, so that many
processes can write, and be killed while they do.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: A job is about to be sent; it was sent; nobody knows whether it was; it was not, for another one does its work.
SENDING, SENT, UNSURE, NOT_SENT = "sending", "sent", "unsure", "not sent"
#: A run begins: with the process, and the one that has started it.
STARTED = "started"
#: A run ends: done, to be run again, or with an error that is final.
ENDED, AGAIN, REFUSED = "ended", "again", "refused"
#: A step of a job, which the ledger knows as a job of its own, is known to be remembered: it must not begin again.
REMEMBERED = "remembered"
#: What is done to which processes begins, and is over: the same token stands in both lines.
FAULT, OVER = "fault", "over"
#: Something that must not be was seen.
TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger."""

    at: float
    kind: str
    name: str
    pids: tuple[int, ...] = ()
    #: Says which lines are of the same run (the message that was run, a slash, and a name), or of the same fault.
    token: str = ""


def write(kind: str, name: str, *pids: int, token: str = "") -> None:
    """Append a line to the ledger that the environment names."""
    text = f"{time.time():.6f}\t{kind}\t{name}\t{','.join(map(str, pids))}\t{token}\n"
    os.write(_file(os.getpid()), text.encode())


@contextmanager
def striking(name: str, *pids: int) -> Iterator[None]:
    """Note a fault that hits the processes *pids* inside the block."""
    token = uuid.uuid4().hex
    write(FAULT, name, *pids, token=token)
    yield
    write(OVER, name, *pids, token=token)


@cache
def _file(_process: int) -> int:
    return os.open(os.environ["CHAOS_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of a ledger, in order."""
    with path.open() as file:
        for text in file:
            at, kind, name, pids, token = text.rstrip("\n").split("\t")
            yield Line(float(at), kind, name, tuple(int(pid) for pid in pids.split(",") if pid), token)
