"""States: how far jobs are, on the way to the result backend."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from functools import cached_property, partial
from typing import Any, Final

from tasks_platform.broker.leased.script_lines import ScriptLines
from tasks_platform.task.insist import TROUBLE
from tasks_platform.task.owed import Owed
from tasks_platform.task.state import State, write
from tasks_platform.task.together import Together

log = logging.getLogger(__name__)
#: Seconds until a state is stored that another one is to follow, and until results are that nobody acknowledges.
_SOON: Final = 0.01
#: Seconds until results that the server did not take are tried again.
_PAUSE: Final = 0.5
#: The most that are stored at a time.
_BATCH: Final = 100


class States:
    """Stores the states of jobs, those of all threads of a process in one step.

    One that only tells how far a job is may be overtaken by the next: a quick job has ended before anybody could have
    read that it had begun. In a process of a pool, too, that saves half of the work.
    """

    def __init__(self, pool: Callable[[], Any]) -> None:
        #: Returns connections of the result backend.
        self._pool = pool
        self._owed: Owed | None = None
        self._begin_anew()

    def store(self, job_id: str, state: State) -> None:
        """Store a state of a job; it is at the server when this returns.

        Raises:
            redis.RedisError: if the server does not take it.

        """
        if self._pid != os.getpid():  # the locks are the parent's
            self._begin_anew()
        with self._lock:
            self._passing.pop(job_id, None)
            waiting = self._together.add(state)
        self._together.finish(waiting)

    def store_soon(self, job_id: str, state: Callable[[], State]) -> None:
        """Store a state of a job in a moment, unless another one comes first."""
        if self._pid != os.getpid():
            self._begin_anew()
        with self._lock:
            self._some_pass = True
            self._passing[job_id] = state
        self._wake()

    def pay_with(self, seconds: float) -> Callable[[], Collection[str]]:
        """Let results be owed from now on in this process; return what stores them before acknowledgements.

        It waits for the server for so many *seconds* at most, and returns the jobs whose results are not stored.
        """
        lines = ScriptLines.to(self._pool(), socket_timeout=seconds, socket_connect_timeout=seconds)
        self._owed = owed = self._owed or Owed(partial(write, lines))
        return owed.pay

    @property
    def can_owe(self) -> bool:
        """Whether a result may be owed."""
        return self._owed is not None and self._pid == os.getpid() and self._owed.has_room

    def owe(self, job_id: str, state: State, give_up: Callable[[Exception], None]) -> None:
        """Store the result of a job in a moment, and before its message is acknowledged; see `Owed`."""
        if self._some_pass:  # else there is nothing to wait for, and threads wait for locks longer than for short jobs
            with self._lock:
                self._passing.pop(job_id, None)
        if self._owed is not None:
            self._owed.add(job_id, state, give_up)
        self._wake()

    def close(self) -> None:
        """Close the connections."""
        if self._pid == os.getpid() and (lines := self.__dict__.pop("_lines", None)) is not None:
            lines.close()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self.__dict__.pop("_lines", None)
        self._together = Together(self._write, _BATCH)
        #: By the ids of their jobs.
        self._passing: dict[str, Callable[[], State]] = {}
        #: Whether there ever was one.
        self._some_pass = False
        self._owed = None
        self._lock: threading.Lock = threading.Lock()
        self._some = threading.Event()
        self._thread = threading.Thread()

    def _wake(self) -> None:
        if self._some.is_set():
            return
        with self._lock:
            if not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="job states", daemon=True)
                self._thread.start()
        self._some.set()

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(_SOON)
            self._some.clear()
            try:
                self._store_passing()
                if self._owed is not None and self._owed.pay():
                    self._owed.give_up_late()
                    time.sleep(_PAUSE)
                    self._some.set()
            except TROUBLE as trouble:
                log.warning("that jobs have begun could not be stored: %r", trouble)
            except Exception:
                log.exception("states of jobs could not be stored")

    def _store_passing(self) -> None:
        with self._lock:  # what is stored from now on comes after these
            passing, self._passing = self._passing, {}
            waiting = [self._together.add(state()) for state in passing.values()]
        for one in waiting:
            self._together.finish(one)

    def _write(self, states: list[State]) -> None:
        write(self._lines, states)

    @cached_property
    def _lines(self) -> ScriptLines:
        return ScriptLines.to(self._pool())
