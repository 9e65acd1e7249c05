"""PlatformRequest: what the worker's main process sees of a run, when the child cannot speak for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery import states
from celery.exceptions import Ignore, Reject, Retry
from celery.worker import state as worker_state
from celery.worker.request import Request

from tasks_platform.policy import Run
from tasks_platform.task.running import run_of
from tasks_platform.task.settling import decide, give_back, send_again, settle_as_dead, settle_as_parked

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask

log = logging.getLogger(__name__)


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

    _settled = False

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Settle what the child could not settle itself."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if self._settled:
            return None
        if self._spoken_for(error, exc_info, return_ok=return_ok):
            return super().on_failure(exc_info, send_failed_event, return_ok)
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            error = WorkerLostError(f"the worker's process exited: {error!r}")
        if isinstance(error, WorkerLostError) and (stored := self._success_was_stored()):
            self._count_chord_part(stored.get("result"))
            return super().on_failure(exc_info, send_failed_event, return_ok)
        if self._settle(error, exc_info):
            return None
        return super().on_failure(exc_info, send_failed_event, return_ok)

    def on_timeout(self, soft: bool, timeout: float) -> None:  # noqa: FBT001 - Celery's own signature
        """Settle a run that was ended by its hard time limit."""
        if (
            soft
            or worker_state.should_terminate
            or (not self._settled and not self._settle(TimeLimitExceeded(timeout), None))
        ):
            super().on_timeout(soft, timeout)

    def revoked(self) -> bool:
        """Give back what a cancelled or expired job held."""
        before = self._already_revoked
        if not super().revoked():
            return False
        if not before:
            expired = bool(self.expires and self.maybe_expire())
            give_back(self._platform_task, self._run(), "expired" if expired else "revoked")
        return True

    def _spoken_for(self, error: BaseException, exc_info: Any, *, return_ok: bool) -> bool:
        """Tell whether the child, or the worker's own stop, has said what becomes of the run."""
        if worker_state.should_terminate or self._already_cancelled or self._already_revoked:
            return True
        if isinstance(error, (Ignore, Reject, Retry, Terminated)):
            return True
        return return_ok and not exc_info.internal

    def _settle(self, error: Exception, exc_info: Any) -> bool:
        """Ask the policies; False leaves the failure to Celery's own path (the job is dead)."""
        run = self._run()
        self._settled = True
        try:
            verdict = decide(self._platform_task, run, error)
            if verdict.final and not verdict.parked:
                settle_as_dead(run)
                self._settled = exc_info is None
                return False
            if verdict.parked:
                settle_as_parked(self._platform_task, run, self._context, error)
            else:
                send_again(self._platform_task, run, verdict)
                if self.store_errors:
                    self.task.backend.mark_as_retry(self.id, error, request=self._context)
        except Exception:
            log.exception("%s[%s]: its failure could not be settled; the message goes back", self.name, self.id)
            worker_state.task_ready(self)
            self.reject(requeue=True)
            return True
        worker_state.task_ready(self)
        self.acknowledge()
        outcome = "parked" if verdict.parked else f"retried in {verdict.again_in:.1f} s"
        log.warning("%s[%s] attempt %d: %r; %s", self.name, self.id, run.attempt, error, outcome)
        self.send_event("task-failed" if verdict.parked else "task-retried", exception=repr(error), traceback="")
        return True

    def _count_chord_part(self, result: Any) -> None:
        """Count the chord part of a run that stored its success and died before it was counted."""
        if self.chord:
            self.task.backend.on_chord_part_return(self._context, states.SUCCESS, result)

    @property
    def _platform_task(self) -> PlatformTask[..., Any]:
        return cast("PlatformTask[..., Any]", self.task)

    def _run(self) -> Run:
        return run_of(self._platform_task, self._context, self.args, self.kwargs)
