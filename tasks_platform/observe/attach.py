"""Begin to watch where a worker begins. What is called here is called by signals, whose errors Celery swallows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, cast

from celery import current_app, signals
from celery.platforms import isatty


def attach() -> None:
    """Let workers of this process be watched; calling it again changes nothing."""
    for signal, listener in (
        (signals.celeryd_init, _worker_begins),
        (signals.worker_process_init, _process_begins),
        (signals.worker_process_shutdown, _process_ends),
        (signals.worker_shutdown, _process_ends),
        (signals.beat_init, _process_begins),
    ):
        signal.connect(listener, dispatch_uid="tasks_platform.observe")


def _worker_begins(instance: Any, options: Mapping[str, Any], **_: Any) -> None:
    """Set up logging before Celery warns of anything, and print no banner where a program reads."""
    from tasks_platform.observe.logs import PlatformLogging  # noqa: PLC0415 - callers need no structlog

    log, logfile = instance.app.log, options.get("logfile")
    if not isinstance(log, PlatformLogging):
        return
    colors = None if (plain := options.get("no_color")) is None else not plain
    log.setup(options.get("loglevel"), logfile, colorize=colors, hostname=instance.hostname)
    if log.style(logfile) == "json" and not isatty(sys.__stdout__):
        instance.quiet = True
    _process_begins()


def _process_begins(**_: Any) -> None:
    """Report to Sentry from here, if there is one."""
    if _dsn() is not None:
        from tasks_platform.observe import sentry  # noqa: PLC0415 - nobody else needs the SDK

        sentry.begin(cast("Any", current_app))


def _process_ends(**_: Any) -> None:
    """Send what is not sent yet."""
    if _dsn() is not None:
        from tasks_platform.observe import sentry  # noqa: PLC0415

        sentry.flush()


def _dsn() -> Any:
    settings = getattr(current_app, "settings", None)
    return settings.sentry.dsn if settings is not None else None
