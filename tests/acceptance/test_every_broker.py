"""What the platform promises on every broker, in one test each. `scripts/matrix` holds the whole suite to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import accidents
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

pytestmark = [
    pytest.mark.needs("redis-server", "rabbitmq-server", "epmd"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]
MODULES = {"TASKS_MODULES": "acceptance.shop,acceptance.accidents,acceptance.flow_tasks"}
promise = pytest.mark.every_broker


@pytest.fixture(scope="module")
def shared(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start the worker that these tests share."""
    brief = {**MODULES, "TASKS_UNKNOWN_TASK_GRACE": "PT2S"}
    with running_worker(PLATFORM, server.url, logs / "shared.log", environment=brief) as worker:
        yield worker


@promise("a retry, with its delay")
@pytest.mark.checklist(26, 85)
def test_a_job_is_retried(shared: Worker, diary: Path) -> None:
    assert accidents.fails_once.delay(diary).get(timeout=20) == 2
    assert read(diary) == ["1", "2"]
