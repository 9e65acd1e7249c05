"""A call's options: durations in seconds, moments that say their zone, and what travels in the platform's header."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery.utils import uuid

from tasks_platform.errors import OptionError
from tasks_platform.policies import Retry
from tasks_platform.policy import current_run_or_none
from tasks_platform.queues import Priority
from tasks_platform.task.envelope import HEADER
from tasks_platform.task.tenant import current_tenant

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask


def is_chosen(task_id: str | None) -> bool:
    """Tell whether *task_id* is an id of the caller's choice; ``self.replace()`` sends the very job that runs again."""
    run = current_run_or_none()
    return task_id is not None and not (run is not None and run.job_id == task_id)


def address(  # noqa: PLR0913 - what a caller can say besides Celery's own options
    task: PlatformTask[..., Any],
    task_id: str | None,
    options: dict[str, Any],
    *,
    tenant: str | None,
    priority: Priority | str | int | None,
    max_attempts: int | None,
) -> None:
    """Complete *options* with the queue, the priority and the platform's header of a job of *task*."""
    own = dict((options.get("headers") or {}).get(HEADER) or {})
    if (works_for := tenant or own.get("tenant") or current_tenant()) is not None:
        own["tenant"] = works_for
    if is_chosen(task_id):
        # should its sender be overtaken or repeat itself, of two copies only one is run
        own.update(reserved=True, copy=uuid())
    if max_attempts is not None:
        own["max_attempts"] = max_attempts
    options["headers"] = {**(options.get("headers") or {}), HEADER: own}
    options["priority"] = task.home_priority if priority is None else task.number_of(priority)
    if task.home_queue is not None and not (options.get("queue") or options.get("exchange")):
        options["queue"] = task.home_queue


def check(task: PlatformTask[..., Any], options: dict[str, Any]) -> None:
    """Turn durations into seconds, and refuse what says no moment or cannot be.

    Raises:
        OptionError: saying what to give instead.

    """
    countdown, eta, expires = options.get("countdown"), options.get("eta"), options.get("expires")
    if countdown is not None:
        if eta is not None:
            raise OptionError(f"{task.name}: countdown={countdown} and eta={eta} contradict each other: give one")
        options["countdown"] = _seconds(countdown)
    if isinstance(eta, (datetime, str)):
        _check_zone(task.name, "eta", eta)
    if isinstance(expires, timedelta):
        options["expires"] = expires.total_seconds()
    elif isinstance(expires, datetime):
        _check_zone(task.name, "expires", expires)
    attempts = ((options.get("headers") or {}).get(HEADER) or {}).get("max_attempts")
    if attempts is not None:
        _check_attempts(task, attempts)


def due_at(options: Mapping[str, Any]) -> float:
    """Return when a job that is sent now with these options is due, in seconds since 1970."""
    if (eta := options.get("eta")) is not None:
        return (datetime.fromisoformat(eta) if isinstance(eta, str) else eta).timestamp()
    return time.time() + (options.get("countdown") or 0.0)


def _seconds(duration: timedelta | float) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration


def _check_zone(task: str, option: str, moment: datetime | str) -> None:
    try:
        zone = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).tzinfo
    except ValueError:
        raise OptionError(f"{task}: {option}={moment!r} is no moment in the words of ISO 8601") from None
    if zone is None:
        raise OptionError(
            f"{task}: {option}={moment} does not say in which time zone; "
            "give an aware datetime, for example datetime.now(UTC) + timedelta(hours=1)"
        )


def _check_attempts(task: PlatformTask[..., Any], attempts: object) -> None:
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        raise OptionError(f"{task.name}: max_attempts={attempts!r}: the first run counts, so 1 is the least")
    if not any(isinstance(policy, Retry) for policy in task.policies):
        raise OptionError(f"{task.name}: max_attempts={attempts} needs the policy Retry(), which the task has not")
