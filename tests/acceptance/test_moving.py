"""Move an application from plain Celery to the platform, one task at a time, and back: deploy/MOVING.md."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from celery import current_app

from acceptance.closing import close
from acceptance.diary import read
from acceptance.workers import TESTS, running_worker
from tasks_platform import Settings, create_app
from tasks_platform.letters import DeadLetterQueue
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

BEFORE = "acceptance.moving.before"
HALFWAY = "acceptance.moving.platform_app"
#: What the platform's workers are told: the old default queue, and no modules but the application's own.
ENVIRONMENT = {"TASKS_DEFAULT_QUEUE": "celery", "TASKS_MODULES": ""}


@pytest.fixture(scope="module")
def new(server: RedisServer) -> Iterator[PlatformApp]:
    """Return the application on the platform as its callers see it."""
    before = current_app._get_current_object()
    settings = Settings(redis_url=server.url, default_queue="celery", business=False)
    app = create_app(settings, include=["acceptance.moving.halfway"])
    app.loader.import_default_modules()
    yield app
    close(app)
    app.store.client.close()
    before.set_current()
    before.set_default()


def expected(orders: range) -> Counter[str]:
    """Return what the diary says when each of these jobs ended, the elusive ones at their second attempt."""
    return Counter(
        {
            **{f"reserve:{order}": 2 if order % 5 == 0 else 1 for order in orders},
            **{f"confirm:{order}:{2 if order % 5 == 0 else 1}": 1 for order in orders if order % 3 == 0},
            **{f"reserve:{-order}": 1 for order in orders},
            f"total:{len(orders)}": 1,
            f"confirm:{orders[-1]}:7": 1,
        }
    )


def test_an_application_moves_with_its_old_messages_in_the_queue_and_can_roll_back(
    new: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    def send(app: str, orders: range) -> None:
        """Send from a process of its own, as callers do."""
        command = [sys.executable, "-m", "acceptance.moving.sending", app, str(diary)]
        variables = {**ENVIRONMENT, "TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false", "PLAIN_URL": server.url}
        paths = {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
        command += [str(orders.start), str(orders.stop)]
        subprocess.run(command, env={**os.environ, **variables, **paths}, check=True, timeout=60)

    send(BEFORE, range(1, 11))  # nobody works yet: these are the old messages
    with running_worker(HALFWAY, server.url, logs / "moved.log", environment=ENVIRONMENT):
        send(BEFORE, range(11, 16))  # a producer that was not deployed yet
        send(HALFWAY, range(16, 21))
        forward = expected(range(1, 11)) + expected(range(11, 16)) + expected(range(16, 21))
        wait_for(lambda: Counter(read(diary)) >= forward, 40, "both kinds of messages")
        broken = new.send_task("stock.reserve", (str(diary), "no number", []))
        (letter,) = wait_for(DeadLetterQueue(new).list, 15, "the letter of a message that does not fit")
        assert letter["id"] == broken.id
    assert Counter(read(diary)) == forward

    send(HALFWAY, range(21, 31))  # while nobody works
    job = new.tasks["stock.reserve"].delay(diary, 98, ["bolt", "nut"])
    with running_worker(BEFORE, server.url, logs / "rolled_back.log"):
        everything = forward + expected(range(21, 31)) + Counter(["reserve:98"])
        wait_for(lambda: Counter(read(diary)) >= everything, 40, "the old application to run the new messages")
        assert job.get(timeout=15) == 2
    assert Counter(read(diary)) == everything
