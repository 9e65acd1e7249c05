"""Unwanted: jobs of this process that are cancelled, from the moment it is told until they have ended here.

A cancelled job never begins, however late its worker hears of it:

1. Whoever cancels takes the message out of its queue; then nobody is ever given it. Or a worker has it: then a mark is
   written at the broker, in the same step in which it is seen that the worker has it.
2. The mark stays until the message has left for good. Every claim of the message, after its worker has died, after a
   retry or a hold, tells of it: the script that claims looks at marks, if there are any, which costs no round trip.
3. The worker that has it now is asked. It notes the mark here first and looks second: what its pool was not given yet
   is dropped when its turn comes, and a thread looks here before it begins. What may have begun is said to have begun.
"""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress

from tasks_platform.errors import Cancel
from tasks_platform.task.cancel_mark import CancelMark


class Unwanted:
    """The marks that this process was told of, and the threads that are at the functions of jobs."""

    def __init__(self) -> None:
        self._marks: dict[str, CancelMark] = {}
        #: At which function of which job each thread is. Who takes one out, `leave` or `strike`, decides: a lock that
        #: all threads take for each job would cost more than short jobs do.
        self._threads: dict[str, int] = {}
        #: Jobs whose threads were told to end them, and which these are; changed while the lock is held.
        self._struck: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, job_id: str, mark: CancelMark) -> None:
        """Take note of a mark."""
        self._marks[job_id] = mark

    def forget(self, job_id: str) -> bool:
        """Forget a mark; tell whether there was one."""
        return self._marks.pop(job_id, None) is not None

    def of(self, job_id: str) -> CancelMark | None:
        """Return the mark of a job; None if it is wanted."""
        return self._marks.get(job_id) if self._marks else None

    def enter(self, job_id: str) -> None:
        """Let `strike` end what this thread does from now on for a job."""
        self._threads[job_id] = threading.get_ident()

    def leave(self, job_id: str) -> None:
        """Let nothing that this thread does after it be struck."""
        try:
            self._leave(job_id)
        except Cancel:  # while it left
            self._leave(job_id)
            raise

    def strike(self, job_id: str) -> bool:
        """Raise ``Cancel`` in the thread that is at the function of a job, at its next step; False if none is.

        What waits in C code, for a server or for time to pass, hears of it when it comes back.
        """
        with self._lock:
            thread = self._threads.pop(job_id, None) or self._struck.get(job_id)
            if thread is None:
                return False
            self._struck[job_id] = thread
            return _raise_in(thread, Cancel) > 0

    def _leave(self, job_id: str) -> None:
        if self._threads.pop(job_id, None) is not None:
            return
        with self._lock:
            if (thread := self._struck.pop(job_id, None)) is not None:
                with suppress(Cancel):
                    _raise_in(thread, None)


def _raise_in(thread: int, error: type[Exception] | None) -> int:
    """Let *thread* raise *error* next; None takes back what it was to raise. Return how many threads were reached."""
    what = None if error is None else ctypes.py_object(error)
    return int(ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what))


#: Of this process.
unwanted = Unwanted()
