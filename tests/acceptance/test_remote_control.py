"""``celery control`` and ``celery inspect``: a worker of the platform's own broker is steered as any other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from tasks_platform import Settings, create_app
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

EXTRA = "extra\x06\x163"
#: Jobs of workers that are told all the time to take from another queue.
FICKLE = 1000


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start the worker that is steered; it tells what happens in it."""
    url = server.url.replace("//", "//default:planted-password@")
    with running_worker(PLATFORM, url, logs / "steered.log", "-E") as worker:
        yield worker


def ask(app: PlatformApp, question: str, *about: Any) -> Any:
    """Return what the worker answers."""
    inspect = app.control.inspect(timeout=5, limit=1)
    answers = wait_for(lambda: getattr(inspect, question)(*about), 20, f"an answer to {question}")
    return next(iter(answers.values()))


def tell(app: PlatformApp, command: str, *what: Any, **options: Any) -> None:
    """Tell the worker, which has to agree."""
    answers = getattr(app.control, command)(*what, reply=True, timeout=5, limit=1, **options)
    assert ["ok" in answer for found in answers for answer in found.values()] == [True], answers


def busy(app: PlatformApp, diary: Path, *orders: int) -> list[Any]:
    """Return jobs that run until the end is written down beside *diary*."""
    before = len(read(diary))
    jobs = [shop.charges.delay(diary, order) for order in orders]
    wait_for(lambda: len(read(diary)) == before + len(orders), 20, "their starts")
    return jobs


def done(client: redis.Redis, diary: Path, jobs: list[Any]) -> None:
    """Let the jobs end."""
    diary.with_suffix(".end").touch()
    assert [job.get(timeout=20) % 100 for job in jobs] == [0] * len(jobs)
    wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")


def test_an_idle_worker_takes_from_a_queue_when_it_is_told_to_and_until_it_is_told_not_to(
    platform: PlatformApp, worker: Worker, client: redis.Redis, diary: Path
) -> None:
    shop.notes_a_number.apply_async((diary, 1), queue="extra")
    assert client.llen(EXTRA) == 1
    tell(platform, "add_consumer", "extra")
    wait_for(lambda: read(diary) == ["1"], 20, "the job of the new queue")
    assert "extra" in [queue["name"] for queue in ask(platform, "active_queues")]
    tell(platform, "cancel_consumer", "extra")
    wait_for(lambda: "extra" not in [queue["name"] for queue in ask(platform, "active_queues")], 20, "the end")
    shop.notes_a_number.apply_async((diary, 2), queue="extra")
    assert shop.add.delay(1, 2).get(timeout=20) == 3
    assert (read(diary), client.llen(EXTRA)) == (["1"], 1)
    tell(platform, "add_consumer", "extra")
    wait_for(lambda: read(diary) == ["1", "2"], 20, "the job that waited")
    tell(platform, "cancel_consumer", "extra")


def test_a_worker_tells_what_it_knows_and_what_it_runs(
    platform: PlatformApp, worker: Worker, client: redis.Redis, diary: Path
) -> None:
    job, other = busy(platform, diary, 1, 2)
    waits = shop.add.delay(1, 2)
    assert shop.add.name in ask(platform, "registered")
    assert {it["id"] for it in ask(platform, "active")} == {job.id, other.id}
    answered = ask(platform, "query_task", job.id, waits.id)
    assert {name: state for name, (state, _) in answered.items()} == {job.id: "active"}  # the other is nobody's yet
    stats = ask(platform, "stats")
    assert len(stats["pool"]["processes"]) == stats["prefetch_count"] == 2
    assert (stats["broker"]["transport"], stats["total"][shop.charges.name]) == ("leased", 2)
    assert "default:**@127.0.0.1" in stats["broker"]["hostname"]
    assert "planted-password" not in repr(stats)
    done(client, diary, [job, other])
    assert waits.get(timeout=20) == 3


def test_a_rate_is_kept(platform: PlatformApp, worker: Worker, client: redis.Redis, diary: Path) -> None:
    tell(platform, "rate_limit", shop.notes_the_time.name, "4/s")
    for number in range(5):
        shop.notes_the_time.delay(diary, str(number))
    wait_for(lambda: len(read(diary)) == 5, 20, "all jobs")
    seconds = sorted(float(line.partition("T")[2][6:15]) for line in read(diary))
    assert (seconds[-1] - seconds[0]) % 60 > 0.7
    wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")
    tell(platform, "rate_limit", shop.notes_the_time.name, "0")


def test_what_is_revoked_does_not_run_or_no_more(
    platform: PlatformApp, worker: Worker, client: redis.Redis, diary: Path
) -> None:
    (running,) = busy(platform, diary, 7)
    later = shop.notes_a_number.apply_async((diary, 1), countdown=1, ignore_result=False)
    tell(platform, "revoke", later.id)
    assert later.id in ask(platform, "revoked")
    tell(platform, "revoke", running.id, terminate=True, signal="SIGKILL")
    wait_for(lambda: (later.state, running.state) == ("REVOKED", "REVOKED"), 20, "the end of both")
    wait_for(lambda: owed(client) == 0 and not client.zcard("leased:delayed:default"), 20, "the acknowledgements")
    assert shop.add.delay(1, 2).get(timeout=20) == 3
    assert len(read(diary)) == 1


def test_a_pool_that_grew_takes_more_and_one_that_shrank_leaves_the_rest_to_others(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, worker: Worker, client: redis.Redis, logs: Path, diary: Path
) -> None:
    tell(platform, "pool_grow", 1)
    done(client, diary, busy(platform, diary, 1, 2, 3))
    diary.with_suffix(".end").unlink()
    tell(platform, "pool_shrink", 2)
    wait_for(lambda: len(ask(platform, "stats")["pool"]["processes"]) == 1, 20, "the smaller pool")
    jobs = busy(platform, diary, 4)
    quick = [shop.notes_its_id.delay(diary.with_suffix(".quick")) for _ in range(3)]
    ask(platform, "stats")  # it has gone through its loop
    assert (owed(client), read(diary.with_suffix(".quick"))) == (1, [])
    with running_worker(PLATFORM, server.url, logs / "other.log", concurrency=1):
        assert [job.get(timeout=20) for job in quick] == [job.id for job in quick]
        wait_for(lambda: owed(client) == 1, 20, "the acknowledgements of the other worker")
    done(client, diary, jobs)
    tell(platform, "pool_grow", 1)


def test_events_reach_who_listens(platform: PlatformApp, worker: Worker) -> None:
    told: list[str] = []

    def hear(event: dict[str, Any]) -> None:
        told.append(event["type"])
        receiver.should_stop = event["type"] == "task-succeeded"

    with platform.connection_for_read() as connection:
        receiver = platform.events.Receiver(connection, handlers={"*": hear})
        sender = threading.Timer(0.5, shop.add.delay, (1, 2))  # a listener hears what is told while it listens
        sender.start()
        receiver.capture(timeout=20)
        sender.join()
    assert {"task-received", "task-started", "task-succeeded"} <= set(told)


def test_a_worker_that_scales_itself_takes_as_much_as_its_limit_and_learns_another_one(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    def sent(*orders: int) -> list[Any]:
        return [shop.charges.apply_async((diary, order), queue="scaled") for order in orders]

    with running_worker(PLATFORM, server.url, logs / "scaling.log", "--autoscale", "3,1", "-Q", "scaled"):
        jobs = sent(1, 2, 3, 4)
        wait_for(lambda: len(read(diary)) == 3, 20, "three starts")
        assert owed(client) == 3
        diary.with_suffix(".end").touch()
        assert [job.get(timeout=20) for job in jobs] == [100, 200, 300, 400]
        diary.with_suffix(".end").unlink()
        tell(platform, "autoscale", 2, 1, pattern="scaling@*", matcher="glob")
        jobs = sent(5, 6, 7)
        wait_for(lambda: len(read(diary)) == 6, 20, "two starts")
        assert owed(client) == 2
        done(client, diary, jobs)


def test_clients_that_come_and_go_leave_nothing_for_ever(
    server: RedisServer, worker: Worker, client: redis.Redis
) -> None:
    for _ in range(3):
        app = create_app(Settings(redis_url=server.url, business=False))
        assert app.control.inspect(timeout=5, limit=1).ping()
        app.close()
    left = client.keys("*.reply.celery.pidbox*")
    assert [key for key in left if client.pttl(key) == -1] == []


def test_workers_that_change_their_queues_again_and_again_under_load_run_everything_once(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    fickle: dict[str, Any] = {"pattern": "fickle-*", "matcher": "glob"}
    with (
        running_worker(PLATFORM, server.url, logs / "fickle-1.log", "-Q", "fickle", concurrency=2),
        running_worker(PLATFORM, server.url, logs / "fickle-2.log", "-Q", "fickle", concurrency=2),
    ):
        platform.control.pool_grow(2, **fickle)
        for number in range(FICKLE):
            shop.notes_a_number.apply_async((diary, number), queue="fickle")
            if number % 50 == 25:
                platform.control.cancel_consumer("fickle", **fickle)
            elif number % 50 == 45:
                platform.control.add_consumer("fickle", **fickle)
        for _ in range(2):  # what a worker is told at the same moment it does in any order
            platform.control.add_consumer("fickle", reply=True, timeout=5, limit=2, **fickle)
        wait_for(lambda: len(read(diary)) >= FICKLE and owed(client) == 0, 60, "all of them")
    assert sorted(map(int, read(diary))) == list(range(FICKLE))
