"""The platform's own broker with real workers: what happens when one dies, stands still, or gets garbage."""

from __future__ import annotations

import json
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import accidents, shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.spying import hearing
from acceptance.workers import PLATFORM, Worker, running_worker
from month import children_of, is_alive
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

#: Seconds.
LEASE = 3.0
BRIEF = {"TASKS_LEASE": str(LEASE)}
LIMITED = {"TASKS_DELIVERY_LIMIT": "2"}


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start a worker that the tests share; it recovers what others had that died, and so has their limit."""
    with running_worker(PLATFORM, server.url, logs / "shared.log", environment=LIMITED) as worker:
        yield worker


@pytest.mark.checklist(12, 24)
@pytest.mark.parametrize("pool", ["prefork", "threads", "gevent"])
def test_what_a_killed_worker_had_runs_on_another_when_its_lease_ends(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, pool: str
) -> None:
    options: dict[str, Any] = {"environment": BRIEF, "pool": pool}
    with running_worker(PLATFORM, server.url, logs / f"doomed-{pool}.log", **options) as doomed:
        shop.sleeps_the_first_time.delay(diary)
        without = diary.with_suffix(".without")
        accidents.sleeps_once_and_knows_no_attempts.delay(without)
        wait_for(lambda: read(diary) and read(without), 20, "the start")
        with running_worker(PLATFORM, server.url, logs / f"heir-{pool}.log", **options) as heir:
            children = children_of(doomed.process.pid)
            doomed.process.kill()
            killed = time.monotonic()
            wait_for(lambda: not any(map(is_alive, children)), 5, "the end of its processes")
            wait_for(lambda: len(read(diary)) == 2, 30, "the second start")
            assert LEASE * 2 / 3 - 0.5 < time.monotonic() - killed < LEASE + 2  # not before, and soon after
            wait_for(lambda: owed(client) == 0, 20, "the acknowledgement")
            assert heir.said("which is dead")


@pytest.mark.checklist(12, 82)
def test_a_worker_that_is_killed_while_it_stops_costs_no_more_than_its_lease(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    options: dict[str, Any] = {"environment": BRIEF}
    with running_worker(PLATFORM, server.url, logs / "stopping.log", **options) as stopping:
        shop.sleeps_the_first_time.delay(diary)
        wait_for(lambda: read(diary), 20, "the start")
        with running_worker(PLATFORM, server.url, logs / "next.log", **options):
            stopping.send(signal.SIGTERM)
            wait_for(lambda: stopping.said("Warm shutdown"), 10, "its stop")
            stopping.process.kill()
            killed = time.monotonic()
            wait_for(lambda: len(read(diary)) == 2, 30, "the second start")
            assert time.monotonic() - killed < LEASE + 2
            wait_for(lambda: owed(client) == 0, 20, "the acknowledgement")


@pytest.mark.checklist(12, 82)
@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_job_that_ends_while_its_worker_stops_is_not_run_again_if_that_is_killed_then(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, tmp_path: Path, pool: str
) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    with running_worker(PLATFORM, server.url, logs / f"stops-{pool}.log", environment=BRIEF, pool=pool) as stopping:
        shop.takes_a_second.delay(short)
        shop.sleeps_the_first_time.delay(long)
        wait_for(lambda: read(short) and read(long), 20, "the start of both jobs")
        stopping.send(signal.SIGTERM)
        wait_for(lambda: read(short) == ["started", "ended"] and owed(client) == 1, 10, "the end of the short one")
        stopping.process.kill()
    with running_worker(PLATFORM, server.url, logs / f"after-{pool}.log", environment=BRIEF, pool=pool):
        wait_for(lambda: len(read(long)) == 2 and owed(client) == 0, 20, "the end of the long one")
    assert read(short) == ["started", "ended"]


@pytest.mark.checklist(12)
@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", "gevent"])
def test_a_job_longer_than_its_lease_is_started_once_also_when_its_connection_is_cut(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, pool: str
) -> None:
    options: dict[str, Any] = {"environment": BRIEF, "concurrency": 1, "pool": pool}
    with (
        running_worker(PLATFORM, server.url, logs / f"long-{pool}.log", **options),
        running_worker(PLATFORM, server.url, logs / f"idle-{pool}.log", **options),
    ):
        job = shop.charges.delay(diary, 1)
        wait_for(lambda: read(diary), 20, "the start")
        client.client_kill_filter(_type="normal", skipme=True)
        started = time.monotonic()
        wait_for(lambda: time.monotonic() - started > 3 * LEASE, 30, "three leases")
        diary.with_suffix(".end").touch()
        wait_for(job.ready, 20, "the result")  # asked for: what listens to it was cut, too
        assert job.get(timeout=20) == 100
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgement")
        assert len(read(diary)) == 1


@pytest.mark.checklist(12)
def test_a_worker_that_stood_still_takes_nothing_from_the_one_that_went_on(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    with (
        running_worker(PLATFORM, server.url, logs / "frozen.log", "-E", environment=BRIEF, concurrency=1) as frozen,
        hearing(platform) as events,
    ):
        job = shop.charges.delay(diary, 2)
        wait_for(lambda: read(diary), 20, "the start")
        frozen.send(signal.SIGSTOP)
        try:
            with running_worker(PLATFORM, server.url, logs / "other.log", environment=BRIEF, concurrency=1):
                wait_for(lambda: len(read(diary)) == 2, 30, "the second start")
                frozen.send(signal.SIGCONT)
                wait_for(lambda: frozen.said("had been given to other workers"), 20, "a word of it")
                assert owed(client) == 1
                stats = wait_for(lambda: platform.control.inspect(timeout=5).stats(), 20, "an answer")
                told = [worker["lease"] for worker in stats.values() if worker["pid"] == frozen.process.pid]
                assert [(lease["given_to_others"], lease["holds"]) for lease in told] == [(1, 0)]
                diary.with_suffix(".end").touch()
                assert job.get(timeout=20) == 200
                wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")
                fenced = wait_for(lambda: [it for it in events if it["type"] == "worker-fenced"], 10, "the event")
                assert [(it["number"], it["total"], it["pid"]) for it in fenced] == [(1, 1, frozen.process.pid)]
        finally:
            frozen.send(signal.SIGCONT)


@pytest.mark.parametrize(("pool", "starts"), [("prefork", 1), ("threads", 2)])
def test_only_a_thread_that_keeps_the_interpreter_to_itself_loses_its_lease(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, pool: str, starts: int
) -> None:
    options: dict[str, Any] = {"environment": {"TASKS_LEASE": "2"}, "pool": pool}
    with (
        running_worker(PLATFORM, server.url, logs / f"one-{pool}.log", **options) as one,
        running_worker(PLATFORM, server.url, logs / f"two-{pool}.log", **options) as two,
    ):
        accidents.keeps_the_interpreter.delay(diary, 7)
        wait_for(lambda: read(diary).count("ended") == starts, 30, "the end")
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")
        lost = "had been given to other workers"
        wait_for(lambda: (one.said(lost) or two.said(lost)) == (starts == 2), 10, "a word of what ran twice")
    assert read(diary).count("started") == starts


@pytest.mark.checklist(36, 37)
def test_garbage_becomes_a_letter_and_the_worker_goes_on(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, worker: Worker, letters: Any, diary: Path
) -> None:
    client.lpush("default", "not json at all")
    client.lpush("default", json.dumps({"body": "", "properties": {}}))
    assert shop.add.delay(1, 2).get(timeout=20) == 3
    found = wait_for(lambda: len(letters.list()) == 2 and letters.list(), 30, "two letters")
    assert {letter["cause"]["type"] for letter in found} == {"DecodeError"}
    assert "not json at all" in {letter["message"]["body"] for letter in found}
    wait_for(lambda: client.llen("leased:graveyard") == 0, 10, "an empty graveyard")
    for letter in found:
        letters.discard(letter["id"])


@pytest.mark.checklist(24, 36)
def test_a_message_that_kills_its_workers_is_a_letter_in_the_end(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, letters: Any
) -> None:
    platform.tasks["acceptance.kills_its_worker"].apply_async(queue="doom")
    options: dict[str, Any] = {"environment": {"TASKS_LEASE": "1", **LIMITED}, "concurrency": 1}
    for number in range(2):
        with running_worker(PLATFORM, server.url, logs / f"victim-{number}.log", "-Q", "doom", **options) as victim:
            assert victim.wait() == -signal.SIGKILL
    assert owed(client) == 1
    with running_worker(PLATFORM, server.url, logs / "undertaker.log", "-Q", "doom", **options):
        (letter,) = wait_for(letters.list, 30, "the letter")
    assert (letter["task"], letter["cause"]["type"]) == ("acceptance.kills_its_worker", "DeliveryLimit")
    assert "2 workers died with it" in letter["cause"]["message"]
    assert owed(client) == 0


def test_delayed_jobs_wait_in_redis_and_are_told_of(
    platform: PlatformApp, client: redis.Redis, worker: Worker, diary: Path
) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    for number in range(105):
        shop.notes_a_number.apply_async((diary, number), eta=due + timedelta(seconds=number))
    assert client.zcard("leased:delayed:default") == 105
    (told,) = wait_for(lambda: platform.control.inspect(timeout=5).scheduled(), 20, "an answer").values()
    assert (len(told), {item["total"] for item in told}) == (100, {105})
    assert datetime.fromisoformat(told[0]["eta"]) - due < timedelta(milliseconds=2)
    assert told[0]["request"]["name"] == "acceptance.shop.notes_a_number"
    assert platform.control.purge() == 105


@pytest.mark.checklist(30)
def test_a_retry_moves_its_message(platform: PlatformApp, client: redis.Redis, worker: Worker, diary: Path) -> None:
    job = shop.is_held_once.delay(diary, 600)
    wait_for(lambda: client.zcard("leased:delayed:default") == 1, 20, "the message that waits")
    wait_for(lambda: owed(client) == 0, 20, "the acknowledgement of its mark")
    assert (read(diary), client.zcard("leased:delayed:default")) == (["1"], 1)
    assert platform.control.purge() == 1
    assert job.id


@pytest.mark.checklist(24)
def test_a_job_that_was_held_is_not_over_because_its_process_dies(
    platform: PlatformApp, client: redis.Redis, worker: Worker, diary: Path
) -> None:
    job = accidents.is_killed_when_it_was_held.apply_async((diary,), ignore_result=False)
    assert job.get(timeout=30) == 2
    wait_for(lambda: worker.said("its process died after it had been put back"), 20, "a word of the death")
    wait_for(lambda: owed(client) == 0, 20, "the acknowledgement of its mark")
    assert (read(diary), job.state, platform.store.letter(job.id)) == (["1", "1"], "SUCCESS", None)


@pytest.mark.checklist(16)
def test_a_task_that_nobody_knows_waits_in_redis_and_not_in_a_worker(
    platform: PlatformApp, client: redis.Redis, worker: Worker
) -> None:
    for _ in range(3):
        platform.send_task("acceptance.newer.greet", ("Ada",), priority=6)
    wait_for(lambda: client.zcard("leased:delayed:default") == 3 and owed(client) == 0, 20, "the messages that wait")
    assert worker.said("a task this worker does not know; held")
    ((member, due), *_) = client.zrange("leased:delayed:default", 0, -1, withscores=True)
    _, step, raw = member.split("|", 2)
    assert (step, "x-delivery-count" in json.loads(raw)["headers"]) == ("6", False)
    assert due / 1000 - time.time() <= 5
    purged: list[int] = []  # they come again while they are looked at
    wait_for(lambda: purged.append(platform.control.purge()) or sum(purged) == 3, 20, "the end of them")
