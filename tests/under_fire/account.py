"""What became of every job: decided from the ledger alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from under_fire.ledger import ENDED, FAULT, SENDING, SENT, STARTED, UNSURE, Line

#: Seconds by which a fault may be noted before what it hits.
_SLACK: Final = 1.0


@dataclass
class Job:
    """The life of one job."""

    sent: bool = False
    unsure: bool = False
    starts: list[Line] = field(default_factory=list)
    ends: list[Line] = field(default_factory=list)


@dataclass
class Account:
    """How many jobs of which fate there are, and the names of those that should not be."""

    once: int = 0
    #: Run from its beginning to its end more than once, by the fault that explains it.
    repeated: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    never_sent: list[str] = field(default_factory=list)
    #: Runs that a kill cut off, and that were begun again.
    cut: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing was lost, and nothing repeated without a reason."""
        return not (self.lost or self.unexplained or self.never_sent)


def jobs_of(lines: Iterable[Line]) -> tuple[dict[str, Job], list[Line]]:
    """Return the lives of all jobs by name, and the faults."""
    jobs: dict[str, Job] = {}
    faults: list[Line] = []
    for line in lines:
        if line.kind == FAULT:
            faults.append(line)
            continue
        job = jobs.setdefault(line.name, Job())
        if line.kind == SENT:
            job.sent = True
        elif line.kind in {SENDING, UNSURE}:
            job.unsure = True
        elif line.kind == STARTED:
            job.starts.append(line)
        elif line.kind == ENDED:
            job.ends.append(line)
    return jobs, faults


def account(lines: Iterable[Line]) -> Account:
    """Account for every job.

    A run that has ended may be repeated where its process, or the worker of that, was hit before the broker knew of its
    end. A fault that names no process (of the server, of connections) explains no repetition.
    """
    jobs, faults = jobs_of(lines)
    result = Account()
    for name, job in jobs.items():
        result.cut += max(0, len(job.starts) - len(job.ends))
        if not (job.sent or job.unsure):
            result.never_sent.append(name)
        elif not job.ends:
            if job.sent:
                result.lost.append(name)
        elif len(job.ends) == 1:
            result.once += 1
        elif (why := _why(job, faults)) is not None:
            result.repeated[why] += 1
        else:
            result.unexplained.append(name)
    return result


def _why(job: Job, faults: list[Line]) -> str | None:
    """Return a fault that explains why a job that has ended was run again; None if one of its repetitions has none."""
    why: str | None = None
    for first, second in pairwise(job.ends):
        began = min(line.at for line in job.starts if line.pids in {first.pids, second.pids})
        involved = {*first.pids, *second.pids}
        hits = (it.name for it in faults if began - _SLACK <= it.at <= second.at and involved & set(it.pids))
        if (why := next(hits, None)) is None:
            return None
    return why
