"""The leased broker under a worker of plain Celery, which knows nothing of the platform: it stops, and it waits."""

from __future__ import annotations

import signal
import threading
from collections import Counter
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


def heard(client: redis.Redis, seconds: float) -> Counter[str]:
    """Return how often each command is sent to the server in so many seconds."""
    threading.Timer(seconds, client.echo, ("the end",)).start()
    found: Counter[str] = Counter()
    with client.monitor() as monitor:
        for command in monitor.listen():
            if command["command"] == "ECHO the end":
                break
            if command["client_type"] != "lua":
                found[command["command"].split()[0].upper()] += 1
    return found


def test_a_worker_with_nothing_to_do_asks_little_and_begins_at_once_what_comes(
    sender: Celery, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    alone = ("--without-heartbeat",)
    with running_worker(
        PLAIN, server.url, logs / "idle.log", *alone, environment={"PLAIN_BROKER": f"leased+{server.url}"}
    ):
        diary.with_suffix(".end").touch()
        sender.send_task("acceptance.plain.waits", (str(diary), "a"))
        wait_for(lambda: read(diary) == ["a"] and owed(client) == 0, 20, "the end of the job")
        found = heard(client, 6)
        # it looks every five seconds, waits for a signal in between, and keeps its lease
        assert found["EVALSHA"] + found["BZPOPMIN"] >= 2
        assert found.total() <= 15, found
        sender.send_task("acceptance.plain.waits", (str(diary), "b"))
        wait_for(lambda: len(read(diary)) == 2, 4, "the next job")  # before it would have looked by itself
