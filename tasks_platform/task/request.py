"""PlatformRequest: what the worker's main process sees of a run, when the child cannot speak for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, cast

from billiard.einfo import ExceptionInfo
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.app.task import Context
from celery.exceptions import Ignore, Reject, Retry
from celery.worker import state as worker_state
from celery.worker.request import Request
from kombu.asynchronous import get_event_loop

from tasks_platform.broker.leased import is_moved
from tasks_platform.errors import ChordBusyError, MemoryExhaustedError
from tasks_platform.events import EventKind, emit
from tasks_platform.policy import Run, enter_run
from tasks_platform.task.cancel_command import forget
from tasks_platform.task.is_cancelled import tell_dropped
from tasks_platform.task.on_loop import cancel_on_loop
from tasks_platform.task.running import run_of
from tasks_platform.task.settling import decide, give_back, settle, tell
from tasks_platform.task.sizes import size_of
from tasks_platform.task.unwanted import unwanted

if TYPE_CHECKING:
    from tasks_platform.task.backend import PlatformBackend
    from tasks_platform.task.base import PlatformTask

log = logging.getLogger(__name__)
#: What a request of Celery's takes for its own. The others are the headers of somebody; it would look for them itself,
#: and take ten times as long.
_CELERYS = frozenset({*vars(Context), "lang", "task", "argsrepr", "kwargsrepr", "compression"})
#: How a child ends that cannot speak for its run.
_GONE = (WorkerLostError, TimeLimitExceeded, SystemExit, KeyboardInterrupt)
#: Seconds until the next try to settle a run while the broker or the store is in trouble.
_PAUSE = 2.0


class PlatformRequest(Request):
    """A request whose lost child and hard time limit are decided like any other failure.

    A child that lives settles its own run and tells the outcome. Only where it cannot (it was killed, it ran
    into the hard limit, it could not even begin) does the main process ask the policies; once per run.
    """

    # Celery's own, which its type stubs leave out
    _already_cancelled: bool
    _already_revoked: bool
    _context: Any
    _success_was_stored: Any

    #: That whoever runs it looks whether it is cancelled before it begins.
    is_checked = True
    _settled = False
    _told_stalled = False

    def __init__(self, message: Any, body: Any = None, decoded: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002
        """Take over what the message says, its body as it was read once: whoever runs it need not read it again."""
        if not decoded:
            body, decoded = message.payload, True
        super().__init__(message, body=body, decoded=decoded, **options)
        told: Any = self.request_dict
        told.setdefault("headers", {name: told[name] for name in told.keys() - _CELERYS})

    def revoked(self) -> bool:
        """Tell whether it is cancelled, and end it if it is; asked before anybody runs it."""
        if unwanted.of(self.id) is not None:
            worker_state.revoked.add(self.id)
        return bool(super().revoked())

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """Count how long the job has waited; whatever its message says, that must not touch the run."""
        super().on_accepted(pid, time_accepted)
        began: Any = self.time_start
        try:
            self._platform_task.platform.waits.begun(self.request_dict, self.delivery_info, began)
        except Exception:
            log.exception("%s[%s]: how long it has waited cannot be counted", self.name, self.id)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Settle what the child could not settle itself."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if self._settled or (worker_state.should_terminate and isinstance(error, _GONE)):
            return None  # told before, or ended by the worker's own stop: then the message goes back
        if self._spoken_for(error, exc_info, return_ok=return_ok):
            return super().on_failure(exc_info, send_failed_event, return_ok)
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            exc_info = _info(WorkerLostError(f"the worker's process exited: {error!r}"))
        elif isinstance(error, MemoryError):
            # told by its own name it would end the whole worker
            exc_info = _info(MemoryExhaustedError(f"{self.name}[{self.id}]: {error}"))
        self._settled = True
        return copy_context().run(self._speak_for, exc_info, send_failed_event)

    def _speak_for(self, exc_info: Any, send_failed_event: bool) -> Any:  # noqa: FBT001
        """Settle the run as if it were running here: what is written meanwhile is about it."""
        try:
            run = self._run()
            enter_run(run)
            if is_moved(self.message):
                return self._let_go()
            if not self._settle(run, getattr(exc_info.exception, "exc", exc_info.exception)):
                return None
        except Exception as trouble:
            busy = isinstance(trouble, ChordBusyError)
            log.warning("%s[%s] is not settled yet: %r", self.name, self.id, trouble, exc_info=not busy)
            return self._later(self._on_failure_again, exc_info, send_failed_event)
        return super().on_failure(exc_info, send_failed_event, return_ok=False)

    def _let_go(self) -> None:
        """Forget a run that was held, or is tried again, by its process before that died: its message waits already."""
        log.warning("%s[%s]: its process died after it had been put back; nothing is to be settled", self.name, self.id)
        worker_state.task_ready(self)
        self.acknowledge()

    def on_timeout(self, soft: bool, timeout: float) -> None:  # noqa: FBT001 - Celery's own signature
        """Settle a run that was ended by its hard time limit; the prefork pool has told ``on_failure`` before."""
        if soft:
            super().on_timeout(soft, timeout)
        else:
            self.on_failure(_info(TimeLimitExceeded(timeout)))

    def terminate(self, pool: Any, signal: Any = None) -> None:
        """End a run: a coroutine on the event loop of this process is cancelled."""
        if not cancel_on_loop(self.id, "terminated"):
            super().terminate(pool, signal)

    def _announce_revoked(self, reason: str, terminated: bool, signum: Any, expired: bool) -> None:  # noqa: FBT001
        """Give back what a cancelled or expired job held: whichever way it ended, it passes here."""
        run = self._run()
        mark = unwanted.of(self.id)
        reason = mark.reason if mark is not None else reason
        try:
            give_back(self._platform_task, run, reason)
        except Exception:
            log.exception("%s[%s] was %s, and could not give back what it held yet", self.name, self.id, reason)
            self._later(self._announce_revoked, reason, terminated, signum, expired)
        else:
            if mark is not None and not terminated:
                tell_dropped(self.app, run.queue, self.id)
            emit(EventKind.CANCELLED, run, reason=reason)
            super()._announce_revoked(reason, terminated, signum, expired)  # type: ignore[misc]
            forget(self.id)

    def _on_failure_again(self, exc_info: Any, send_failed_event: bool) -> None:  # noqa: FBT001
        self._settled = False
        self.on_failure(exc_info, send_failed_event)

    def _later(self, action: Callable[..., Any], *args: Any) -> None:
        """Do *action* when the trouble may be over; until then the message is not acknowledged."""
        if (hub := get_event_loop()) is None:
            self.reject(requeue=True)
        else:
            hub.call_soon(hub.call_later, _PAUSE, action, *args)

    def _spoken_for(self, error: BaseException, exc_info: Any, *, return_ok: bool) -> bool:
        """Tell whether the child, or somebody who cancelled the job, has said what becomes of the run."""
        if self._already_cancelled or self._already_revoked:
            return True
        if isinstance(error, (Ignore, Reject, Retry, Terminated)):
            return True
        return return_ok and not exc_info.internal

    def _settle(self, run: Run, error: Exception) -> bool:
        """Settle the run; True leaves the rest to Celery's own path (the job is dead, or had succeeded)."""
        if isinstance(error, WorkerLostError) and (stored := self._success_was_stored()):
            self._count_chord_part(stored.get("result"))
            emit(EventKind.COMPLETED, run, runtime=None, result=size_of(stored.get("result")))
            return True
        if isinstance(error, WorkerLostError) and not self._told_stalled:
            self._told_stalled = True
            emit(EventKind.STALLED, run, reason=str(error))
        verdict = decide(self._platform_task, run, error)
        settle(self._platform_task, run, self._context, verdict, error)
        if not verdict.final and self.store_errors:
            self.task.backend.mark_as_retry(self.id, error, request=self._context)
        tell(run, verdict, error)
        if verdict.final and not verdict.parked:
            return True
        worker_state.task_ready(self)
        self.acknowledge()
        self.send_event("task-failed" if verdict.parked else "task-retried", exception=repr(error), traceback="")
        return False

    def _count_chord_part(self, result: Any) -> None:
        """Count the chord part of a run that stored its success and died before it was counted."""
        if self.chord and not cast("PlatformBackend", self.task.backend).count_again(self._context, result):
            raise ChordBusyError(f"the body of chord {self.group} is being sent by another process, or one that died")

    @property
    def _platform_task(self) -> PlatformTask[..., Any]:
        return cast("PlatformTask[..., Any]", self.task)

    def _run(self) -> Run:
        return run_of(self._platform_task, self._context, self.args, self.kwargs)


def _info(error: Exception) -> ExceptionInfo:
    try:
        raise error  # noqa: TRY301 - an ExceptionInfo is made of what is being handled
    except Exception:  # noqa: BLE001 - raised here, for its traceback
        return ExceptionInfo()
