"""Begin to watch where a worker begins. What is called here is called by signals, whose errors Celery swallows."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from celery import signals
from celery.platforms import isatty


def attach() -> None:
    """Let workers of this process be watched; calling it again changes nothing."""
    signals.celeryd_init.connect(_worker_begins, dispatch_uid="tasks_platform.observe")


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
