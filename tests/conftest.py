"""What tests of every level share: a Redis server of their own."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent

pytest_plugins = [
    "pytester",
    "checklist_report",
    "matrix_report",
    "needed_programs",
    "own_environment",
    "postgres_server",
    "spread",
]


@pytest.hookimpl(trylast=True)  # when the fixtures are gone
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Throw away what a file leaves behind: some of it talks to its server when it is collected."""
    if level(item) != "unit" and (nextitem is None or nextitem.path != item.path):
        gc.collect()


def level(item: pytest.Item) -> str:
    """Return the folder of *item*: unit, integration or acceptance."""
    return item.path.relative_to(TESTS).parts[0]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start a Redis server that all tests of this process share; see `redis_url` for an empty one."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_db(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """Return a client of the shared server, which holds nothing yet."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def redis_url(redis_server: RedisServer, redis_db: redis.Redis) -> str:
    """Return the address of the shared server, which holds nothing yet."""
    return redis_server.url
