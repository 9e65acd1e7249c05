"""Owed: results of jobs that have ended, which are stored before their messages are acknowledged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004 - Redis's own are meant

from tasks_platform.task.insist import PATIENCE
from tasks_platform.task.state import State

log = logging.getLogger(__name__)
#: What a server that does not answer is known by.
_AWAY: Final = (ConnectionError, TimeoutError, OSError)
#: The most that may be owed: whoever has another one waits until it is stored.
_MOST: Final = 1000


class Result(NamedTuple):
    """What a job has returned."""

    state: State
    #: Decides what becomes of a job whose result no server takes, and may raise an error if it cannot.
    give_up: Callable[[Exception], None]
    #: Since when it is owed, in seconds of the monotonic clock.
    since: float


class Owed:
    """Stores results without anybody waiting for it; a thread that has run a job goes on with the next.

    1. `add` takes a result, while all is well and there are not too many.
    2. Whoever acknowledges messages calls `pay` first, which stores all that is owed in one step. The jobs that it
       names are still owed: their messages stay where they are, and if this process dies, they are run again.
    3. What no server takes is given up in the end: then the job has failed, as if it had waited.
    """

    def __init__(self, write: Callable[[Sequence[State]], None]) -> None:
        self._write = write
        self._results: dict[str, Result] = {}
        self._is_well = True
        #: Of which it was said that the server does not take them.
        self._refused: set[str] = set()
        self._at_it = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._results)

    @property
    def has_room(self) -> bool:
        """Whether another one may be added."""
        return self._is_well and len(self._results) < _MOST

    def add(self, job_id: str, state: State, give_up: Callable[[Exception], None]) -> None:
        """Owe the result of a job."""
        self._results[job_id] = Result(state, give_up, time.monotonic())

    def pay(self) -> Collection[str]:
        """Store what is owed, as far as the server takes it; return the jobs whose results are still owed."""
        if not self._results:
            return ()
        with self._at_it:
            results = dict(self._results)
            try:
                self._write([result.state for result in results.values()])
                stored: Collection[str] = results
            except _AWAY as trouble:
                if self._is_well:
                    log.warning("the results of %d jobs cannot be stored just now: %r", len(results), trouble)
                stored = ()
            except Exception:  # noqa: BLE001 - perhaps of one of them only
                stored = [job_id for job_id, result in results.items() if self._is_taken(job_id, result)]
            self._is_well = len(stored) == len(results)
            for job_id in stored:
                self._forget(job_id, results)
        return frozenset(self._results)

    def give_up_late(self, patience: float = PATIENCE) -> None:
        """Give up what has been owed for *patience* seconds."""
        results = dict(self._results)
        for job_id, result in results.items():
            if time.monotonic() - result.since < patience:
                continue
            try:
                result.give_up(TimeoutError(f"no server has taken it for {patience:.0f} s"))
            except Exception:
                log.exception("%s: its result is not stored, and what becomes of it is not decided yet", job_id)
                self._results[job_id] = result._replace(since=time.monotonic())
            else:
                self._forget(job_id, results)

    def _is_taken(self, job_id: str, result: Result) -> bool:
        try:
            self._write([result.state])
        except Exception as trouble:  # noqa: BLE001 - whatever it is: the others are to be acknowledged
            if job_id not in self._refused:
                self._refused.add(job_id)
                log.warning("%s: its result cannot be stored just now: %r", job_id, trouble)
            return False
        return True

    def _forget(self, job_id: str, results: Mapping[str, Result]) -> None:
        if self._results.get(job_id) is results[job_id]:
            del self._results[job_id]
            self._refused.discard(job_id)
