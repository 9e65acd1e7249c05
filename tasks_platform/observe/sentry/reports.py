"""Deaths of jobs as Sentry's events: one each, in one issue per fingerprint."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sentry_sdk
from celery.exceptions import Ignore, Reject, Retry
from sentry_sdk.scope import Scope
from sentry_sdk.utils import event_from_exception

from tasks_platform.events import Event
from tasks_platform.observe.context import job_of
from tasks_platform.observe.sentry.scrubbing import tags_of
from tasks_platform.task import PlatformTask
from tasks_platform.task.base import Platform

log = logging.getLogger(__name__)
#: The job whose run has a scope of its own here.
_scoped: ContextVar[str | None] = ContextVar("tasks_platform_sentry_job", default=None)


def begin_run(event: Event) -> None:
    """Give a run a scope of its own: what the function adds to it ends with the run's context."""
    scope = Scope.get_isolation_scope().fork()
    scope.clear_breadcrumbs()
    scope.set_transaction_name(event.task)
    Scope.set_isolation_scope(scope)
    _scoped.set(event.job_id)


@dataclass(frozen=True)
class Deaths:
    """Reports deaths, with the earlier attempts as breadcrumbs. A value, so that a child does not listen twice."""

    platform: Platform

    def __call__(self, event: Event) -> None:
        """Report one."""
        if _scoped.get() == event.job_id:  # what the run has left as breadcrumbs belongs to it
            self._capture(event)
            return
        with sentry_sdk.isolation_scope() as scope:
            scope.clear_breadcrumbs()
            self._capture(event)

    def _capture(self, event: Event) -> None:
        with sentry_sdk.new_scope() as scope:
            scope.fingerprint = [event.details["fingerprint"]]
            scope.set_transaction_name(event.task)
            for name, value in tags_of(job_of(event)).items():
                scope.set_tag(name, value)
            scope.set_tag("parked", event.details.get("parked", False))
            for attempt in self._earlier_attempts(event):
                scope.add_breadcrumb(_breadcrumb(attempt))
            if event.error is None:
                scope.capture_message(f"{event.task}: {event.details.get('reason')}", level="error")
            else:
                capture(event.error, scope)

    def _earlier_attempts(self, event: Event) -> list[dict[str, Any]]:
        try:
            letter = self.platform.store.letter(event.job_id) or {}
        except Exception:
            log.warning("%s[%s]: its earlier attempts cannot be told", event.task, event.job_id, exc_info=True)
            return []
        return [attempt for attempt in letter.get("attempts", ()) if attempt["attempt"] < event.attempt]


def plain_failure(sender: Any = None, task_id: str = "", exception: Any = None, **_: Any) -> None:
    """Report the failure of a plain Celery task, of which no event tells."""
    if isinstance(sender, PlatformTask) or isinstance(exception, (Ignore, Reject, Retry)):
        return
    if isinstance(exception, tuple(getattr(sender, "throws", ()))):
        return
    with sentry_sdk.new_scope() as scope:
        scope.set_transaction_name(sender.name)
        scope.set_tag("job_id", task_id)
        scope.set_tag("task", sender.name)
        capture(exception, scope)


def capture(error: BaseException, scope: Scope) -> None:
    """Send an event about an error that nobody has handled."""
    options = sentry_sdk.get_client().options
    mechanism = {"type": "tasks_platform", "handled": False}
    event, hint = event_from_exception(error, client_options=options, mechanism=mechanism)
    scope.capture_event(event, hint=hint)


def _breadcrumb(attempt: dict[str, Any]) -> dict[str, Any]:
    error = attempt["error"]
    return {
        "type": "error",
        "level": "warning",
        "category": "attempt",
        "message": f"attempt {attempt['attempt']} failed: {error['type']}: {error['message']}",
        "timestamp": datetime.fromisoformat(attempt["failed_at"]),
    }
