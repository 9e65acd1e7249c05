"""The platform's own part of a run, which must not fail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from celery.exceptions import Reject

from tasks_platform.policy import Run
from tasks_platform.task.insist import insist

T = TypeVar("T")
log = logging.getLogger(__name__)


def surely(run: Run, action: Callable[[], T]) -> T:
    """Do the platform's own part of a run; where that is impossible the message goes back, and no attempt is lost."""
    try:
        return insist(action)
    except Exception as trouble:
        log.exception("%s[%s]: the platform could not do its part; the message goes back", run.task, run.job_id)
        raise Reject(trouble, requeue=True) from trouble
