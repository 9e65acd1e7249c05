"""An application on a real server, and beats of this process that work for it."""

from __future__ import annotations

import pytest
import redis

from acceptance.closing import close
from redis_server import running_redis
from tasks_platform import Settings, create_app
from tasks_platform.schedules import table
from tasks_platform.schedules.scheduler import PlatformScheduler


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def application(server):
    with create_app(Settings(redis_url=server.url, business=False)) as app:
        yield app
        app.redbeat_redis.close()
        app.store.client.close()
        close(app)


@pytest.fixture
def app(application, client, monkeypatch):
    """Return an application whose server holds nothing yet; a test may change its settings."""
    monkeypatch.setattr(application, "settings", application.settings)
    return application


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch):
    monkeypatch.setattr(table, "_declared", {})
    monkeypatch.setattr(table, "_begun", set())


@pytest.fixture
def start(app):
    """Start beats, which end with the test."""
    started = []

    def start_one():
        beat = PlatformScheduler(app)
        started.append(beat)
        return beat

    yield start_one
    for beat in started:
        beat.close()
