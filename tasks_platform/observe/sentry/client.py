"""The SDK as the platform sets it up, once in every process.

Its own Celery integration stays off: it makes an event of every attempt that ends in an error of its own, closes a
check-in at the first of them, does not hear of parked jobs, and sees only what happens in a child.
"""

from __future__ import annotations

from typing import Any, Final

import sentry_sdk
from celery import signals
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger

from tasks_platform.events import EventKind, listen
from tasks_platform.observe.sentry.checkins import MOMENTS, check_in
from tasks_platform.observe.sentry.reports import Deaths, begin_run, plain_failure
from tasks_platform.observe.sentry.scrubbing import NameScrubber, scrubbed
from tasks_platform.task.base import Platform

#: Seconds that the end of a process may wait for what is not sent yet.
_PATIENCE: Final = 2.0
#: Events that wait for a Sentry that is slow; what comes when there are more is dropped.
_QUEUE: Final = 100
#: Who writes errors about jobs whose death is reported as such.
_TOLD_OTHERWISE: Final = (
    "tasks_platform.events",
    "celery.app.trace",
    "celery.redirected",
    "celery.worker.request",
    "multiprocessing",
    "tasks_platform.letters",
)


def begin(platform: Platform) -> None:
    """Report from this process; a child has to begin anew, for threads and connections do not outlive a fork."""
    settings = platform.settings.sentry
    if settings.dsn is None:
        return
    options: dict[str, Any] = {
        "dsn": settings.dsn.get_secret_value(),
        "environment": settings.environment,
        "release": settings.release,
        "sample_rate": settings.sample_rate,
        "default_integrations": False,
        "auto_enabling_integrations": False,
        "integrations": [LoggingIntegration(), ExcepthookIntegration()],
        "send_default_pii": False,
        "include_local_variables": False,
        "event_scrubber": NameScrubber(),
        "before_send": scrubbed,
        "auto_session_tracking": False,
        "enable_backpressure_handling": False,
        "shutdown_timeout": _PATIENCE,
        "transport_queue_size": _QUEUE,
    }
    sentry_sdk.init(**options)
    for name in _TOLD_OTHERWISE:
        ignore_logger(name)
    listen(begin_run, [EventKind.STARTED])
    listen(Deaths(platform), [EventKind.FAILED])
    listen(check_in, MOMENTS)
    signals.task_failure.connect(plain_failure, dispatch_uid="tasks_platform.observe.sentry")


def flush() -> None:
    """Send what is not sent yet, and wait for it for a moment."""
    sentry_sdk.flush(_PATIENCE)
