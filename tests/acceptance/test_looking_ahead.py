"""Workers that take quick jobs ahead: what they had not begun with is nobody's attempt, and waits for nobody."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import accidents, shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

JOBS = 600
SLOTS = 2
NORMAL = "default\x06\x163"
BRIEF = {"TASKS_LEASE": "1"}


def ahead(client: redis.Redis) -> int:
    """Count what workers have taken ahead."""
    return sum(int(client.scard(key)) for key in client.keys("leased:ahead:*"))  # type: ignore[arg-type,union-attr]


@pytest.mark.checklist(24)
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_only_what_ran_when_a_worker_was_killed_has_used_its_only_attempt(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, letters: Any, pool: str
) -> None:
    options: dict[str, Any] = {"environment": BRIEF, "concurrency": SLOTS, "pool": pool}
    for number in range(JOBS):
        accidents.has_one_attempt.delay(diary, number)

    def stands_still_with_some_ahead() -> bool:
        doomed.process.send_signal(signal.SIGSTOP)
        if ahead(client) > 2 * SLOTS and len(read(diary)) < JOBS / 2:
            return True
        doomed.process.send_signal(signal.SIGCONT)
        return False

    with running_worker(PLATFORM, server.url, logs / f"killed-{pool}.log", **options) as doomed:
        wait_for(stands_still_with_some_ahead, 60, "some that were taken ahead")
        doomed.process.kill()
    with running_worker(PLATFORM, server.url, logs / f"heir-{pool}.log", **options):
        wait_for(lambda: owed(client) == client.llen(NORMAL) == 0, 60, "the rest")
    died = letters.list()
    assert {letter["cause"]["type"].rpartition(".")[2] for letter in died} <= {"WorkerLostError"}
    never_ran = JOBS - len({*read(diary)})
    assert never_ran <= min(SLOTS, len(died))  # what was begun with, and had written nothing yet


def test_a_worker_without_an_event_loop_begins_with_the_next_job_when_one_has_ended(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    for number in range(80):
        shop.notes_a_number.delay(diary, number)
    with running_worker(PLATFORM, server.url, logs / "green.log", concurrency=1, pool="gevent"):
        # it looks at its connections every two seconds, also when nothing comes
        wait_for(lambda: len(read(diary)) == 80 and owed(client) == 0, 40, "all of them")
