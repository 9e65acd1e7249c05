"""How far a run is: percent, message, weighted steps, time left."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.events import EventKind, emit
from tasks_platform.policy import Policy, Proceed, Run, aside, current_run_or_none
from tasks_platform.sealing import censored

T = TypeVar("T")
WHOLE = 100.0


@dataclass(frozen=True, kw_only=True)
class Progress(Policy):
    """Let a run report how far it is; ``step`` and ``track`` do it for the common cases."""

    #: Seconds between two reports that are written; the first, the last and the end of a step always are.
    every: float = 0.5
    #: How long the last report is kept, in seconds.
    kept: float = 86400.0

    def __post_init__(self) -> None:
        if not (self.every >= 0 and self.kept > 0):
            raise TaskDefinitionError(f"Progress(every={self.every}, kept={self.kept}): times are not negative")

    def execute(self, run: Run, proceed: Proceed[Any]) -> Any:
        """Give the run its reporter."""
        run.notes["progress"] = Reporter(run, every=self.every, kept=self.kept)
        return proceed()


class Reporter:
    """Writes a run's progress; percentages are of the innermost step that is open."""

    def __init__(self, run: Run, *, every: float, kept: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._every = every
        self._kept = kept
        self._clock = clock
        self._begun = clock()
        self._written: float | None = None
        #: Where the innermost open step begins, how long it is, and how much of it its own steps have taken.
        self.start, self.span, self.taken = 0.0, WHOLE, 0.0
        self.message = ""

    def __call__(self, percent: float, message: str = "", *, now: bool = False) -> None:
        """Report *percent* of the current step."""
        self.message = message or self.message
        moment = self._clock()
        inside = min(max(percent, 0.0), WHOLE)
        if now or inside == WHOLE or self._written is None or moment - self._written >= self._every:
            self._written = moment
            self._write(min(self.start + self.span * inside / WHOLE, WHOLE), moment - self._begun)

    @contextmanager
    def step(self, message: str, weight: float) -> Iterator[None]:
        """Let reports inside the block be of the next *weight* percent of the surrounding step."""
        around = self.start, self.span, self.taken
        self.start, self.span, self.taken = self.start + self.span * self.taken / WHOLE, self.span * weight / WHOLE, 0.0
        try:
            self(0.0, message, now=True)
            yield
            self(WHOLE, now=True)
        finally:
            self.start, self.span, self.taken = *around[:2], around[2] + weight

    def _write(self, percent: float, elapsed: float) -> None:
        report = {
            "percent": round(percent, 1),
            "message": censored(self.message),
            "at": time.time(),
            #: Seconds left if it goes on as it did so far.
            "eta": round(elapsed * (WHOLE - percent) / percent, 1) if percent else None,
        }
        aside(partial(self._tell, report, self.message))

    def _tell(self, report: Mapping[str, Any], message: str) -> None:
        self._run.store.report(self._run.job_id, report, self._kept)
        self._run.announce("PROGRESS", report)
        emit(EventKind.PROGRESS, self._run, percent=report["percent"], message=message)


@contextmanager
def step(message: str, weight: float) -> Iterator[None]:
    """Let the next *weight* percent of the surrounding whole be the progress of the block.

    Steps nest: inside, 0 to 100 means this step. Outside a run with the ``Progress`` policy it does nothing.
    """
    reporter = _reporter()
    with nullcontext() if reporter is None else reporter.step(message, weight):
        yield


def track(rows: Iterable[T], total: int | None = None, message: str = "") -> Iterator[T]:
    """Yield *rows* and report how many have been taken; *total* is asked of *rows* if it is not given."""
    taken = _counting(total if total is not None else len(rows) if isinstance(rows, Sized) else 0, message)
    for number, row in enumerate(rows, 1):
        yield row
        taken(number)


async def atrack(rows: AsyncIterable[T], total: int | None = None, message: str = "") -> AsyncIterator[T]:
    """Yield *rows*, which come asynchronously, and report how many have been taken, if *total* says of how many."""
    taken = _counting(total or 0, message)
    number = 0
    async for row in rows:
        yield row
        taken(number := number + 1)


def _counting(count: int, message: str) -> Callable[[int], None]:
    """Return what reports how many of *count* were taken."""
    reporter = _reporter()

    def taken(number: int) -> None:
        if reporter is not None and count:
            reporter(WHOLE * number / count, f"{message} {number}/{count}".strip())

    return taken


def _reporter() -> Reporter | None:
    run = current_run_or_none()
    return None if run is None else run.notes.get("progress")
