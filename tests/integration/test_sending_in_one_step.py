"""On the leased broker an id and a unique key are taken in the step that pushes the message, or not at all."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis
from kombu.exceptions import OperationalError

from tasks_platform import PartlySentError, ReliableTask, UniqueTask, call, create_app, enqueue_many, task
from tasks_platform.broker.leased.script_lines import ScriptLines
from tasks_platform.policies import Unique
from tasks_platform.settings import Settings
from tasks_platform.task.job_ids import RESERVATION
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks_platform.celery import PlatformApp


@pytest.fixture
def app(redis_url: str) -> Iterator[PlatformApp]:
    app = create_app(Settings(redis_url=redis_url, business=False, modules="integration.test_sending_in_one_step"))
    app.set_current()
    yield app
    app.store.client.close()
    app.close()


@task(Unique(by="number"), base=UniqueTask)
def bills(number: int) -> None:
    """Bill an order."""


@task(base=ReliableTask)
def ships(number: int) -> None:
    """Ship an order."""


def jobs_of(app: PlatformApp, declared: Any) -> Any:
    """Return a task as this application knows it, whichever one is the current one."""
    return app.tasks[f"{__name__}.{declared.__name__}"]


def keys_of(client: redis.Redis) -> set[str]:
    """Return the keys of ids and unique keys."""
    return {key.decode() for pattern in ("unique:*", "id:*") for key in client.keys(f"tasks-platform:{pattern}")}


def test_what_is_not_pushed_takes_nothing(app: PlatformApp, redis_db: redis.Redis) -> None:
    jobs_of(app, ships).delay(0)  # declares the queue
    redis_db.delete("default\x06\x163")
    redis_db.set("default\x06\x163", "somebody else's")
    with pytest.raises(OperationalError, match="WRONGTYPE"):
        jobs_of(app, bills).delay(1)
    with pytest.raises(OperationalError, match="WRONGTYPE"):
        jobs_of(app, ships).apply_async((1,), task_id="order-1")
    assert keys_of(redis_db) == set()
    redis_db.delete("default\x06\x163")
    jobs_of(app, bills).delay(1)
    jobs_of(app, ships).apply_async((1,), task_id="order-1")
    assert redis_db.llen("default\x06\x163") == 2


def test_a_key_is_kept_from_the_push_on_for_as_long_as_its_job_may_take(
    app: PlatformApp, redis_db: redis.Redis
) -> None:
    job = jobs_of(app, bills).apply_async((1,), countdown=1000)
    (key,) = keys_of(redis_db)
    assert redis_db.get(key) == job.id.encode()
    assert 86_400_000 < redis_db.pttl(key) <= 87_400_000
    assert jobs_of(app, bills).delay(1).id == job.id
    assert (redis_db.zcard("leased:delayed:default"), redis_db.keys("default*")) == (1, [])


@pytest.mark.parametrize("how", ["plain", "unique", "chosen"])
def test_a_push_whose_answer_is_lost_is_repeated_without_a_second_message(
    app: PlatformApp, redis_db: redis.Redis, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    run, lost = ScriptLines.run, []

    def running(lines: ScriptLines, *args: Any) -> Any:
        answer = run(lines, *args)
        if not lost:
            lost.append(lines)
            raise redis.ConnectionError("the answer is lost")
        return answer

    monkeypatch.setattr(ScriptLines, "run", running)
    match how:
        case "plain":
            jobs_of(app, ships).delay(1)
        case "unique":
            jobs_of(app, bills).delay(1)
        case _:
            jobs_of(app, ships).apply_async((1,), task_id="order-1")
    assert lost
    assert redis_db.llen("default\x06\x163") == 1
    monkeypatch.undo()
    jobs_of(app, ships).delay(1)
    assert redis_db.llen("default\x06\x163") == 2


def test_an_id_that_a_sender_of_two_steps_has_reserved_is_waited_for(app: PlatformApp, redis_db: redis.Redis) -> None:
    assert app.store.reserve("order-1", "another", 30) == "free"
    sender = threading.Thread(target=jobs_of(app, ships).apply_async, args=((1,),), kwargs={"task_id": "order-1"})
    sender.start()
    app.store.confirm("order-1", 30)
    sender.join(10)
    assert not sender.is_alive()
    assert redis_db.keys("default*") == []


def test_an_id_of_a_lapsed_reservation_is_sent(app: PlatformApp, redis_db: redis.Redis) -> None:
    assert app.store.reserve("order-1", "another", 0.3) == "free"
    jobs_of(app, ships).apply_async((1,), task_id="order-1")
    assert wait_for(lambda: redis_db.llen("default\x06\x163"), 5) == 1
    assert app.store.reserve("order-1", "another", 30) == "taken"


def test_the_broker_takes_one_call_for_a_job_with_an_id_and_a_key(app: PlatformApp, redis_db: redis.Redis) -> None:
    jobs_of(app, bills).apply_async((1,), task_id="order-1")  # connects, and loads the script
    redis_db.config_resetstat()
    jobs_of(app, bills).apply_async((2,), task_id="order-2")
    called = {name.removeprefix("cmdstat_"): told["calls"] for name, told in redis_db.info("commandstats").items()}
    assert called.pop("evalsha") == 1
    assert not {"eval", "multi", "script|load"} & set(called)


def test_a_follower_is_pushed_under_its_own_id_and_leaves_the_key_to_its_holder(
    app: PlatformApp, redis_db: redis.Redis
) -> None:
    holder = jobs_of(app, bills).delay(1)
    follower = jobs_of(app, bills).apply_async((1,), link=jobs_of(app, ships).si(1))
    assert follower.id != holder.id
    assert redis_db.llen("default\x06\x163") == 2
    (key,) = {key for key in keys_of(redis_db) if ":unique:" in key}
    assert redis_db.get(key) == holder.id.encode()


def test_of_many_with_ids_of_their_own_none_stays_reserved_when_one_fails(
    app: PlatformApp, redis_db: redis.Redis
) -> None:
    jobs_of(app, bills).delay(7)
    (key,) = keys_of(redis_db)
    redis_db.delete(key)
    redis_db.lpush(key, "somebody else's")
    many = [call(jobs_of(app, ships), number).set(task_id=f"order-{number}") for number in range(3)]
    many.insert(1, call(jobs_of(app, bills), 7).set(task_id="bill-7"))
    with pytest.raises(PartlySentError, match="0 of 4 jobs were sent, 4 were not: ResponseError: WRONGTYPE") as caught:
        enqueue_many(many)
    assert keys_of(redis_db) == {key.decode() if isinstance(key, bytes) else key}
    redis_db.delete(key)
    began = time.monotonic()
    assert [job.id for job in enqueue_many(caught.value.rest)] == ["order-0", "bill-7", "order-1", "order-2"]
    assert time.monotonic() - began < RESERVATION / 2
    assert redis_db.llen("default\x06\x163") == 5
    assert [job.id for job in enqueue_many(many)] == ["order-0", "bill-7", "order-1", "order-2"]
    assert redis_db.llen("default\x06\x163") == 5
