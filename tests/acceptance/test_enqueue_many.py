"""Many jobs sent at once: as checked as single ones, all of them or exactly told apart."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, current_app
from celery.signals import before_task_publish

from acceptance import shop
from acceptance.closing import close
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from redis_proxy import redis_proxy
from tasks_platform import (
    PartlySentError,
    Priority,
    Settings,
    acting_for,
    aenqueue_many,
    call,
    create_app,
    enqueue_many,
)
from tasks_platform.errors import OptionError, PayloadError
from tasks_platform.sending import batch
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from acceptance.workers import Worker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

GROUP = 20
MANY = 3 * GROUP + 5
#: A caller that gives up after two tries, to see what it is told then.
BRIEFLY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.01, "interval_max": 0.01}


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Push few messages at a time, so that few make many groups."""
    monkeypatch.setattr(batch, "GROUP", GROUP)


@pytest.fixture
def impatient(platform: PlatformApp) -> Iterator[PlatformApp]:
    """Return the application, which gives up soon."""
    before = platform.conf.task_publish_retry_policy
    platform.conf.task_publish_retry_policy = BRIEFLY
    yield platform
    platform.conf.task_publish_retry_policy = before


@contextmanager
def caller(server: RedisServer, broker: str) -> Iterator[PlatformApp]:
    """Return an application that sends through *broker* and gives up soon."""
    before = current_app._get_current_object()
    app = create_app(Settings(redis_url=server.url, broker_url=broker, modules="acceptance.shop", business=False))
    app.conf.task_publish_retry_policy = BRIEFLY
    app.loader.import_default_modules()
    try:
        yield app
    finally:
        close(app)
        app.store.client.close()
        before.set_current()
        before.set_default()


def waiting_in(client: redis.Redis, queue: str) -> list[int]:
    """Return the first arguments of the jobs that wait in *queue*, by level, first in first out, and empty it."""
    messages = []
    for key in sorted(name for name in client.scan_iter(f"{queue}*") if client.type(name) == "list"):
        messages += [json.loads(message) for message in reversed(client.lrange(key, 0, -1))]
        client.delete(key)
    assert max(Counter(message["headers"]["id"] for message in messages).values(), default=1) == 1
    return [number_in(message) for message in messages]


def number_in(message: dict[str, Any]) -> int:
    return int(message["headers"]["argsrepr"].strip("[]()").split(",")[0])


def adds(app: PlatformApp, numbers: range, queue: str) -> list[Any]:
    return [call(app.tasks["acceptance.shop.add"], number, 1).set(queue=queue) for number in numbers]


@pytest.mark.checklist(6, 42)
def test_many_jobs_arrive_once_each_in_order_inside_their_levels(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    levels = [list(Priority)[number % 5] for number in range(MANY)]
    calls = [call(shop.notes_a_number, diary, number).set(priority=level) for number, level in enumerate(levels)]
    handles = enqueue_many(calls)
    assert len({handle.id for handle in handles}) == MANY
    with running_worker(PLATFORM, server.url, logs / "many.log", concurrency=1):
        wait_for(lambda: len(read(diary)) == MANY, 60, "all jobs")
    ranked = sorted(range(MANY), key=lambda number: (list(Priority).index(levels[number]), number))
    assert [str(number) for number in ranked] == read(diary)


@pytest.mark.checklist(3, 6)
def test_each_call_has_options_and_a_handle_of_its_own(worker: Worker, diary: Path) -> None:
    with acting_for("acme"):
        first, late, taken, signed, whose = enqueue_many(
            [
                call(shop.add, 1, 2),
                call(shop.notes_the_time, diary, "late").set(countdown=timedelta(seconds=1)),
                call(shop.notes_its_id, diary).set(task_id="many-1"),
                shop.add.s(3, 4).set(priority="low"),
                call(shop.whose).set(tenant="globex"),
            ]
        )
    begun = datetime.now(UTC)
    assert (first.get(timeout=20), signed.get(timeout=20), whose.get(timeout=20)) == (3, 7, "globex")
    assert taken.get(timeout=20) == "many-1"
    late.get(timeout=20, propagate=False) or wait_for(lambda: len(read(diary)) == 2, 20, "the late one")
    (line,) = (line for line in read(diary) if line.startswith("late="))
    assert datetime.fromisoformat(line.removeprefix("late=")) >= begun + timedelta(seconds=0.9)


@pytest.mark.checklist(6, 55, 57)
def test_ids_and_keys_hold_among_many_as_they_do_alone(worker: Worker, tmp_path: Path) -> None:
    orders, ids = tmp_path / "orders", tmp_path / "ids"
    held = shop.charges.delay(orders, 7)
    handles = enqueue_many(
        [call(shop.charges, orders, number) for number in (7, 8, 8)]
        + [call(shop.notes_its_id, ids).set(task_id="many-2") for _ in range(2)]
    )
    assert handles[0].id == held.id
    assert handles[1].id == handles[2].id != held.id
    assert [handle.id for handle in handles[3:]] == ["many-2"] * 2
    orders.with_suffix(".end").touch()
    assert [handle.get(timeout=20) for handle in handles] == [700, 800, 800, "many-2", "many-2"]
    assert (len(read(orders)), read(ids)) == (2, ["many-2"])
    (again,) = enqueue_many([call(shop.notes_its_id, ids).set(task_id="many-2")])
    assert (again.id, again.get(timeout=20), read(ids)) == ("many-2", "many-2", ["many-2"])


def test_nothing_is_sent_when_one_call_is_wrong(platform: PlatformApp, client: redis.Redis) -> None:
    good: list[Any] = adds(platform, range(3), "checked")
    wrong: Any = "one"
    with pytest.raises(PayloadError, match=r"call 3: acceptance\.shop\.add"):
        enqueue_many([*good, call(shop.add, wrong, 2)])
    naive = datetime(2030, 1, 1)  # noqa: DTZ001 - that is what is wrong with it
    with pytest.raises(OptionError, match=r"call 3: .* does not say in which time zone"):
        enqueue_many([*good, call(shop.add, 1, 2).set(eta=naive)])
    with pytest.raises(TypeError, match="send chains and groups alone"):
        enqueue_many([*good, chain(shop.add.s(1, 2), shop.add.s(3))])
    assert enqueue_many([]) == []
    assert waiting_in(client, "checked") == []


@pytest.mark.checklist(6)
def test_a_server_that_refuses_in_the_middle_is_told_of_exactly(impatient: PlatformApp, client: redis.Redis) -> None:
    calls = [call(shop.total, [number, *range(400)]).set(queue="full") for number in range(10 * GROUP)]
    enqueue_many(calls[:1])
    room = int(client.info("memory")["used_memory"]) + 300_000
    client.config_set("maxmemory", room)
    try:
        with pytest.raises(PartlySentError, match=r"jobs were sent, \d+ were not: OutOfMemory") as caught:
            enqueue_many(calls[1:])
    finally:
        client.config_set("maxmemory", 0)
    error = caught.value
    assert 0 < len(error.sent) < len(calls) - 1
    assert [*error.sent, *error.unsent] == list(range(len(calls) - 1))
    assert error.unsure == {}
    assert waiting_in(client, "full") == list(range(len(error.sent) + 1))
    again = enqueue_many(error.rest)
    assert [handle.id for handle in again] == list(error.unsent.values())
    assert waiting_in(client, "full") == list(range(len(error.sent) + 1, len(calls)))


@pytest.mark.parametrize("lost", ["request", "reply"])
def test_a_connection_that_breaks_in_the_middle_costs_nothing_and_doubles_nothing(
    server: RedisServer, client: redis.Redis, lost: Any
) -> None:
    with redis_proxy(server.port) as proxy, caller(server, proxy.url) as app:
        enqueue_many(adds(app, range(1), "cut"))
        proxy.cut(b"EVALSHA", 2, lost, lasting=False)
        enqueue_many(adds(app, range(1, MANY), "cut"))
    assert waiting_in(client, "cut") == list(range(MANY))


@pytest.mark.checklist(6)
@pytest.mark.parametrize("lost", ["request", "reply"])
def test_a_server_that_is_gone_before_it_answered_leaves_a_rest_that_is_sent_once(
    server: RedisServer, client: redis.Redis, lost: Any
) -> None:
    with redis_proxy(server.port) as proxy, caller(server, proxy.url) as app:
        enqueue_many(adds(app, range(1), "gone"))
        proxy.cut(b"EVALSHA", 2, lost, lasting=True)
        with pytest.raises(PartlySentError, match="did not say whether it had taken them") as caught:
            enqueue_many(adds(app, range(1, MANY), "gone"))
        error = caught.value
        assert list(error.sent) == list(range(GROUP))
        assert list(error.unsure) == list(range(GROUP, 2 * GROUP))
        assert list(error.unsent) == list(range(GROUP, MANY - 1))
        proxy.mend()
        enqueue_many(error.rest)
    assert waiting_in(client, "gone") == list(range(MANY))


@pytest.mark.checklist(55)
def test_a_rest_in_doubt_takes_no_keys_for_jobs_that_have_ended(
    worker: Worker, server: RedisServer, client: redis.Redis, diary: Path
) -> None:
    keys = "tasks-platform:unique:acceptance.shop.charges:*"
    diary.with_suffix(".end").touch()
    with redis_proxy(server.port) as proxy, caller(server, proxy.url) as app:
        charges = app.tasks["acceptance.shop.charges"]
        enqueue_many([call(charges, diary, 1)])
        proxy.cut(b"EVALSHA", 1, "reply", lasting=True)
        with pytest.raises(PartlySentError) as caught:
            enqueue_many([call(charges, diary, 2), call(charges, diary, 3).set(task_id="third")])
        assert list(caught.value.unsure) == [0, 1]
        wait_for(lambda: len(read(diary)) == 3, 20, "the jobs that the broker has taken")
        wait_for(lambda: not client.keys(keys), 20, "their keys to be free")
        proxy.mend()
        again = enqueue_many(caught.value.rest)
    assert [handle.id for handle in again] == list(caught.value.unsent.values())
    assert (len(read(diary)), client.keys(keys), client.get("tasks-platform:id:third")) == (3, [], "ended")


def test_a_store_that_cannot_confirm_one_job_is_told_of_the_others(platform: PlatformApp, client: redis.Redis) -> None:
    def spoil(headers: dict[str, Any], **_: Any) -> None:
        if headers["id"] == "kept-2":  # the group is not pushed yet
            client.delete("tasks-platform:id:kept-1")
            client.rpush("tasks-platform:id:kept-1", "no id")

    before_task_publish.connect(spoil)
    try:
        handles = enqueue_many(call(shop.add, 1, 1).set(queue="kept", task_id=f"kept-{n}") for n in (1, 2, 3))
    finally:
        before_task_publish.disconnect(spoil)
    assert [handle.id for handle in handles] == ["kept-1", "kept-2", "kept-3"]
    assert [client.get(f"tasks-platform:id:kept-{n}") for n in (2, 3)] == ["sent", "sent"]


def test_without_a_server_all_of_them_are_the_rest(server: RedisServer, client: redis.Redis) -> None:
    with redis_proxy(server.port) as proxy, caller(server, proxy.url) as app:
        proxy.down = True
        with pytest.raises(PartlySentError, match="0 of 3 jobs were sent, 3 were not: OperationalError") as caught:
            enqueue_many(adds(app, range(3), "away"))
        assert (caught.value.sent, list(caught.value.unsent), caught.value.unsure) == ({}, [0, 1, 2], {})
        proxy.mend()
        enqueue_many(caught.value.rest)
    assert waiting_in(client, "away") == [0, 1, 2]


def test_a_broker_that_takes_no_groups_gets_them_one_by_one(server: RedisServer) -> None:
    with caller(server, "memory://") as app:
        handles = enqueue_many(adds(app, range(5), "single"))
        with app.connection_for_read() as connection:
            queue = connection.SimpleQueue("single")
            messages = [queue.get(timeout=5) for _ in range(5)]
            queue.close()
    assert [message.headers["id"] for message in messages] == [handle.id for handle in handles]


def test_asyncio_code_sends_many_without_blocking_its_loop(worker: Worker) -> None:
    async def send() -> list[str]:
        with acting_for("acme"):
            handles = await aenqueue_many([call(shop.whose) for _ in range(3)])
        return [await asyncio.to_thread(handle.get, timeout=20) for handle in handles]

    assert asyncio.run(send()) == ["acme"] * 3
