"""States of jobs at a real server: the last one stays, quick ones are not worth a word, and many are one step."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from celery import states
from celery.app.task import Context
from celery.exceptions import BackendStoreError
from redis import Redis

from forked_processes import run_at_once
from tasks_platform import ReliableTask, create_app, task
from tasks_platform.settings import Settings
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks_platform.celery import PlatformApp


@pytest.fixture
def app(redis_url: str) -> Iterator[PlatformApp]:
    with create_app(Settings(redis_url=redis_url, business=False)) as app:
        yield app
        app.backend.result_consumer.stop()
        app.backend.client.connection_pool.disconnect()


def stored(db: Redis, job_id: str) -> Any:
    raw: Any = db.get(f"celery-task-meta-{job_id}")
    return None if raw is None else json.loads(raw)


def calls(db: Redis, command: str) -> int:
    found: Any = db.info("commandstats")
    return int(found.get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_one_is_stored_told_and_expires_as_celery_does_it(app: PlatformApp, redis_db: Redis) -> None:
    app.conf.result_expires = 60
    with redis_db.pubsub() as ear:
        ear.subscribe("celery-task-meta-one")
        assert ear.get_message(timeout=20)
        app.backend.store_result("one", {"total": 7}, states.SUCCESS)
        heard: Any = wait_for(lambda: ear.get_message(ignore_subscribe_messages=True, timeout=1), 20, "the state")
    meta = stored(redis_db, "one")
    assert json.loads(heard["data"]) == meta
    assert (meta["task_id"], meta["status"], meta["result"]) == ("one", "SUCCESS", {"total": 7})
    assert 0 < int(redis_db.ttl("celery-task-meta-one")) <= 60  # type: ignore[arg-type]


def test_a_job_that_has_succeeded_stays_so_and_one_that_says_success_has_not(app: PlatformApp, redis_db: Redis) -> None:
    app.backend.store_result("one", "SUCCESS", states.RETRY)
    app.backend.store_result("one", 1, states.SUCCESS)
    app.backend.store_result("one", ValueError("late"), states.FAILURE)
    assert (stored(redis_db, "one")["status"], stored(redis_db, "one")["result"]) == ("SUCCESS", 1)


def test_that_one_has_begun_is_stored_soon_unless_it_has_ended(app: PlatformApp, redis_db: Redis) -> None:
    app.backend.store_result("long", {"pid": 1}, states.STARTED)
    wait_for(lambda: stored(redis_db, "long"), 20, "the state")
    before = calls(redis_db, "publish")
    for number in range(20):
        app.backend.store_result(f"quick-{number}", {"pid": 1}, states.STARTED)
        app.backend.store_result(f"quick-{number}", number, states.FAILURE if number % 2 else states.SUCCESS)
    app.backend.store_result("late", {"pid": 1}, states.STARTED)
    wait_for(lambda: stored(redis_db, "late"), 20, "the state")
    assert [stored(redis_db, f"quick-{number}")["status"] for number in (0, 1)] == ["SUCCESS", "FAILURE"]
    assert stored(redis_db, "long")["status"] == "STARTED"
    assert calls(redis_db, "publish") - before < 2 * 20


def test_no_state_comes_after_the_last_one_of_its_job(app: PlatformApp, redis_db: Redis) -> None:
    def runs(number: int) -> None:
        app.backend.store_result(f"job-{number}", {"pid": 1}, states.STARTED)
        threading.Event().wait(number % 15 / 1000)  # about as long as a state waits
        app.backend.store_result(f"job-{number}", number, states.RETRY)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(runs, range(400)))
    app.backend.store_result("last", {"pid": 1}, states.STARTED)
    wait_for(lambda: stored(redis_db, "last"), 20, "the state")
    assert {stored(redis_db, f"job-{number}")["status"] for number in range(400)} == {"RETRY"}


def test_those_of_many_threads_are_fewer_steps_than_states(app: PlatformApp, redis_db: Redis) -> None:
    app.backend.store_result("first", 0, states.SUCCESS)
    before = calls(redis_db, "evalsha")
    gate = threading.Barrier(8)

    def stores(thread: int) -> None:
        gate.wait(20)
        for number in range(50):
            app.backend.store_result(f"{thread}-{number}", number, states.SUCCESS)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(stores, range(8)))
    assert len(redis_db.keys("celery-task-meta-*-*")) >= 400  # type: ignore[arg-type]
    assert calls(redis_db, "evalsha") - before < 400


#: The parent has stored something; somebody holds its locks while it forks.
FAMILY = """
from tasks_platform import ReliableTask, create_app, task
from tasks_platform.settings import Settings

app = create_app(Settings(redis_url={url!r}, business=False))
app.backend.store_result("parent", {{"pid": 1}}, "STARTED")
app.job_states._lock.acquire()

def work(number):
    app.backend.store_result(f"child-{{number}}", number, "STARTED")
    app.backend.store_result(f"child-{{number}}", number, "SUCCESS")
"""


def test_each_process_stores_for_itself(redis_url: str, redis_db: Redis) -> None:
    run_at_once(4, FAMILY.format(url=redis_url))
    assert len(redis_db.keys("celery-task-meta-child-*")) == 4  # type: ignore[arg-type]


def test_one_that_no_server_could_keep_is_refused(app: PlatformApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.backend, "_MAX_STR_VALUE_SIZE", 100, raising=False)
    with pytest.raises(BackendStoreError, match="too large"):
        app.backend.store_result("one", "x" * 200, states.SUCCESS)


def test_a_result_is_owed_unless_it_is_large(app: PlatformApp, redis_db: Redis) -> None:
    @task(base=ReliableTask, name="states.answers")
    def answers() -> str:
        """Answer."""
        return ""

    request = Context(task=answers.name, is_eager=False, children=[])
    assert not app.backend._owe("early", "x", request, states.SUCCESS)  # nobody pays
    pay = app.job_states.pay_with(5.0)
    assert app.backend._owe("small", "x", request, states.SUCCESS)
    assert not app.backend._owe("large", "x" * 200_000, request, states.SUCCESS)
    assert list(pay()) == []
    assert stored(redis_db, "small")["result"] == "x"
    assert stored(redis_db, "large") is None
