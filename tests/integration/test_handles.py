"""Handles of jobs, and what they owe the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery.exceptions import TimeoutError as TooLateError

from acceptance.closing import close
from redis_server import running_redis
from tasks_platform import Settings, create_app
from tasks_platform.task.handle import JobHandle
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery.result import AsyncResult

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
def app(server: RedisServer) -> Iterator[PlatformApp]:
    app = create_app(Settings(redis_url=server.url, business=False))
    yield app
    close(app)


def listened_for(server: RedisServer) -> set[str]:
    """Return the jobs for whose results somebody listens."""
    with redis.Redis.from_url(server.url, decode_responses=True) as client:
        return {channel.removeprefix("celery-task-meta-") for channel in client.pubsub_channels()}


def wait_in_vain(app: PlatformApp, job_id: str) -> AsyncResult[Any]:
    """Return the handle of a job that nobody runs, after it was asked for its result."""
    handle: AsyncResult[Any] = JobHandle(job_id, app=app)
    with pytest.raises(TooLateError):
        handle.get(timeout=0.1)
    return handle


def test_nobody_listens_for_the_results_of_handles_that_are_gone(app: PlatformApp, server: RedisServer) -> None:
    handles = [wait_in_vain(app, f"job-{number}") for number in range(3)]
    assert listened_for(server) == {"job-0", "job-1", "job-2"}
    for handle in handles:
        handle.__del__()  # Celery keeps those that somebody has waited for: they are deleted at the end
    wait_in_vain(app, "last")
    wait_for(lambda: listened_for(server) == {"last"}, 10, "the others to be given up")
