"""What FastAPI injects."""

from __future__ import annotations

from typing import Annotated

from celery.app import app_or_default
from fastapi import Depends

from tasks_platform.job_queue import JobQueue, PlatformJobQueue


def job_queue() -> JobQueue:
    """Return the queue of this process's application; a test puts its twin here with ``dependency_overrides``."""
    return PlatformJobQueue(app_or_default())


#: ``async def sign_up(jobs: InjectedJobQueue): ...``
InjectedJobQueue = Annotated[JobQueue, Depends(job_queue)]
