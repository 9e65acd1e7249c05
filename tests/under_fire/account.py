"""What became of every job: decided from the ledger alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from under_fire.ledger import (
    AGAIN,
    FAULT,
    NOT_SENT,
    OVER,
    REFUSED,
    REMEMBERED,
    SENDING,
    SENT,
    STARTED,
    TROUBLE,
    UNSURE,
    Line,
)

#: A worker that stands still loses what it has only when that takes longer than its lease.
STANDSTILL: Final = "standstill"
#: A worker that is told to stop cuts off what does not end in its grace period, and tells of the end of all else.
TERM: Final = "TERM"
_FOREVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done to which processes, from when to when."""

    name: str
    pids: frozenset[int]
    since: float
    until: float


@dataclass(slots=True)
class Run:
    """One run of a job."""

    started: Line
    #: How it ended; None if it was cut off.
    ended: Line | None = None

    @property
    def message(self) -> str:
        """The message that was run: it is the same when it was delivered again, and another one in each retry."""
        return self.started.token.partition("/")[0]


@dataclass(slots=True)
class Job:
    """The life of one job."""

    #: Sent, unsure, or not sent: for another one does its work, or by nobody that is known.
    sent: str = NOT_SENT
    runs: list[Run] = field(default_factory=list)
    #: When it was known first that it is remembered as done; None of what is no step of another job.
    remembered: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether one of its runs has come to an end that is not to be followed by another."""
        return any(run.ended is not None and run.ended.kind != AGAIN for run in self.runs)


@dataclass
class Account:
    """How many jobs of which fate there are, and the names of those that should not be."""

    #: Known to be sent, each to be run once.
    sent: int = 0
    once: int = 0
    #: Run from its beginning to its end, and begun again, by the fault that explains it.
    repeated: Counter[str] = field(default_factory=Counter)
    #: Runs that were cut off, by the fault that did it.
    cut: Counter[str] = field(default_factory=Counter)
    #: Jobs with a run that nothing explains: one that follows another one, or one that has no end.
    unexplained: list[str] = field(default_factory=list)
    #: The same, where it was another message: somebody has sent the job again, for an answer of the server was lost.
    published_twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    never_sent: list[str] = field(default_factory=list)
    #: Jobs that ended with an error that is final, and those that too many workers died with: these, and no others, are
    #: to be dead letters.
    refused: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    #: Jobs that a worker was done with while it stood still, and that too many others may have died with since.
    perhaps_given_up: set[str] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, and nothing repeated without a reason."""
        return not (self.lost or self.unexplained or self.published_twice or self.never_sent or self.troubles)


def jobs_of(lines: Iterable[Line]) -> dict[str, Job]:
    """Return the lives of all jobs by name."""
    jobs: dict[str, Job] = {}
    runs: dict[str, Run] = {}
    for line in lines:
        if line.kind in {FAULT, OVER, TROUBLE}:
            continue
        job = jobs.setdefault(line.name, Job())
        if line.kind in {SENDING, UNSURE}:
            job.sent = UNSURE
        elif line.kind in {SENT, NOT_SENT}:
            job.sent = line.kind
        elif line.kind == REMEMBERED:
            job.remembered = line.at if job.remembered is None else min(job.remembered, line.at)
        elif line.kind == STARTED:
            runs[line.token] = Run(line)
            job.runs.append(runs[line.token])
        else:
            runs[line.token].ended = line
    for job in jobs.values():
        job.runs.sort(key=lambda run: run.started.at)
    return jobs


def faults_of(lines: Iterable[Line]) -> list[Fault]:
    """Return what was done; a fault that was never over lasts for ever."""
    began = {line.token: line for line in lines if line.kind == FAULT}
    over = {line.token: line.at for line in lines if line.kind == OVER}
    return [Fault(line.name, frozenset(line.pids), line.at, over.get(token, _FOREVER)) for token, line in began.items()]


def account(lines: Iterable[Line], lease: float, delivery_limit: int) -> Account:
    """Account for every job, where workers keep what they have for *lease* seconds.

    A message that *delivery_limit* workers died with is given up.

    A run needs a reason to be followed by another: that it asked for it, or a fault that hit its own process, or the
    worker of that, between its start and the start of the next. So does a run without an end. A fault that names
    no process (of the server, of connections) explains nothing. One more reason there is: a worker that had claimed the
    message before stood still, and begins it when it wakes up.

    Of a step of a job, it is only the death of the process that was at it, before it is known to be remembered: as long
    as a worker stands still, no other one is at the step.
    """
    lines = list(lines)
    faults = faults_of(lines)
    result = Account(troubles=[line.name for line in lines if line.kind == TROUBLE])
    for name, job in jobs_of(lines).items():
        result.sent += job.sent == SENT
        ends = [run.ended.kind for run in job.runs if run.ended is not None]
        if job.sent == NOT_SENT:
            result.never_sent += [name] if job.runs else []
        elif (odd := _unexplained(job, faults, lease, result)) is not None and job.is_done:
            run, following = odd
            twice = following is not None and run.message != following.message
            (result.published_twice if twice else result.unexplained).append(name)
        elif job.is_done:
            result.once += sum(kind != AGAIN for kind in ends) == 1
            if job.runs[-1].ended is None and len(job.runs) - ends.count(AGAIN) >= delivery_limit:
                result.perhaps_given_up.add(name)
        elif odd is None and len(job.runs) >= delivery_limit:
            result.given_up.add(name)
        elif job.sent == SENT or job.runs:
            result.lost.append(name)
        if REFUSED in ends:
            result.refused.add(name)
    return result


def _unexplained(job: Job, faults: list[Fault], lease: float, result: Account) -> tuple[Run, Run | None] | None:
    """Return a run that was cut off, or followed by another one, for no reason; count what has a reason."""
    if job.remembered is not None:
        faults = [it for it in faults if it.name != STANDSTILL]
    for run, following in pairwise([*job.runs, None]):
        assert run is not None
        if run.ended is not None and following is None:
            continue
        until = _FOREVER if following is None else following.started.at
        if job.remembered is not None and job.remembered < until < _FOREVER:
            return run, following
        if run.ended is not None and run.ended.kind == AGAIN and run.ended.at <= until:
            continue
        why = _why(run, until, faults, lease)
        if why is None and following is not None:
            why = _late(run, following, faults, lease)
        if why is None:
            return run, following
        (result.cut if run.ended is None else result.repeated)[why] += 1
    return None


def _why(run: Run, until: float, faults: list[Fault], lease: float) -> str | None:
    """Return the fault that explains why *run* has no end, or another one that started *until* then; None if none."""
    for it in faults:
        if not it.pids.intersection(run.started.pids) or it.until < run.started.at or it.since > until:
            continue
        if it.name == STANDSTILL and it.until - it.since <= lease:
            continue
        if it.name == TERM and run.ended is not None:
            continue
        return it.name
    return None


def _late(run: Run, following: Run, faults: list[Fault], lease: float) -> str | None:
    """Return the standstill after which *following* began what had been given to *run* meanwhile; None if none."""
    for it in faults:
        lasted = it.since <= run.started.at and it.until <= following.started.at and it.until - it.since > lease
        if it.name == STANDSTILL and lasted and it.pids.intersection(following.started.pids):
            return f"{it.name} of a worker that had claimed it before" if run.message == following.message else None
    return None
