"""Check-ins of scheduled jobs: opened by the first attempt, closed by how the job ended; a retry changes nothing."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any, Final

from sentry_sdk.crons import capture_checkin

from tasks_platform.events import Event, EventKind
from tasks_platform.schedules import Cron, Every, When, declared_entries

_STATUS: Final = {
    EventKind.STARTED: "in_progress",
    EventKind.COMPLETED: "ok",
    EventKind.SKIPPED: "ok",
    EventKind.FAILED: "error",
    EventKind.CANCELLED: "error",
}
MOMENTS: Final = tuple(_STATUS)
#: Sentry's unit of time, in seconds; it knows no shorter one.
_MINUTE: Final = 60
#: Minutes that a job may take with all its attempts before Sentry calls it late. The job itself says when it is dead.
_LONGEST: Final = 24 * 60
_LONGEST_SLUG: Final = 50
_FIELDS: Final = 5
_JOBS: Final = uuid.UUID("6f1b2f0e-5a0c-4c62-9c8c-0d7d0a6c3b51")


def check_in(event: Event) -> None:
    """Tell Sentry what has become of a job that a schedule has sent."""
    if event.schedule is None or (event.kind is EventKind.STARTED and event.attempt > 1):
        return
    when = _when(event.schedule)
    config = None if when is None else monitor_config(when)
    if when is not None and config is None:
        return  # too often for Sentry
    capture_checkin(
        monitor_slug=slug(event.schedule),
        check_in_id=uuid.uuid5(_JOBS, event.job_id).hex,
        status=_STATUS[event.kind],
        monitor_config=config,  # type: ignore[arg-type]
    )


def monitor_config(when: When) -> dict[str, Any] | None:
    """Return *when* as Sentry writes it; None if Sentry cannot: it counts in minutes."""
    schedule: dict[str, Any]
    match when:
        case Cron(expression=expression, zone=zone) if len(expression.split()) == _FIELDS:
            schedule = {"type": "crontab", "value": expression}
            return {"schedule": schedule, "timezone": zone.key, "max_runtime": _LONGEST}
        case Every(interval=interval) if not interval.total_seconds() % _MINUTE:
            schedule = {"type": "interval", "value": int(interval.total_seconds()) // _MINUTE, "unit": "minute"}
            return {"schedule": schedule, "max_runtime": _LONGEST}
    return None


def slug(schedule: str) -> str:
    """Return the name of a schedule's monitor: what Sentry allows in one, and different for different schedules."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", schedule.lower())
    if plain == schedule and len(plain) <= _LONGEST_SLUG:
        return plain
    digest = hashlib.sha256(schedule.encode()).hexdigest()[:6]
    return f"{plain[: _LONGEST_SLUG - 7]}-{digest}"


def _when(schedule: str) -> When | None:
    """Return when a schedule fires; None for one that this process does not know."""
    entries, _ = declared_entries()
    entry = entries.get(schedule)
    return None if entry is None else entry.when
