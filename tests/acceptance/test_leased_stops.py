"""A worker that is told to stop gives back at once what it has claimed and not begun, also one of plain Celery."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLAIN, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from redis_server import RedisServer


@pytest.fixture(scope="module")
def sender(server: RedisServer) -> Iterator[Celery]:
    """Return a plain application on the leased broker."""
    app = Celery("sender", broker=f"leased+{server.url}", set_as_current=False)
    yield app
    app.close()


@pytest.mark.checklist(12, 82)
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_what_a_worker_has_not_begun_runs_elsewhere_while_it_waits_for_what_runs(  # noqa: PLR0913, PLR0917
    sender: Celery, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, pool: str
) -> None:
    options: dict[str, Any] = {
        "environment": {"PLAIN_BROKER": f"leased+{server.url}"},
        "pool": pool,
        "concurrency": 1,
    }
    ahead = ("--prefetch-multiplier", "4")
    with running_worker(PLAIN, server.url, logs / f"stopped-{pool}.log", *ahead, **options) as stopped:
        for name in "abcd":
            sender.send_task("acceptance.plain.waits", (str(diary), name))
        wait_for(lambda: read(diary) == ["a"] and owed(client) == 4, 20, "four claims")
        with running_worker(PLAIN, server.url, logs / f"heir-{pool}.log", **options) as heir:
            stopped.send(signal.SIGTERM)
            wait_for(lambda: len(read(diary)) == 2, 10, "the next job elsewhere")  # a lease is longer
            assert stopped.process.poll() is None
            assert not heir.said("which is dead")
            diary.with_suffix(".end").touch()
            assert stopped.wait() == 0
            wait_for(lambda: owed(client) == client.llen("celery") == 0, 20, "the end of all")
    assert sorted(read(diary)) == ["a", "b", "c", "d"]
