"""How soon a job matters, in one word."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, ParamSpec, TypeVar

from tasks_platform.queues import Priority
from tasks_platform.task import PlatformTask
from tasks_platform.task.handle import JobHandle

P = ParamSpec("P")
R = TypeVar("R")

#: Cleaning up never hurries: what is being used when the job is sent may be done with by then.
CLEANUP_DELAY: Final = timedelta(seconds=60)


def critical(task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
    """Send a job that comes before everything else."""
    return task.apply_async(args, kwargs, priority=Priority.CRITICAL)


def user_action(task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
    """Send a job that somebody waits for."""
    return task.apply_async(args, kwargs, priority=Priority.HIGH)


def background_sync(task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
    """Send a job that keeps something up to date."""
    return task.apply_async(args, kwargs, priority=Priority.NORMAL)


def cleanup(task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
    """Send a job that tidies up: in a minute at the earliest, and when nothing else is to be done."""
    return task.apply_async(args, kwargs, priority=Priority.LOW, countdown=CLEANUP_DELAY)
