"""What people who know Celery do, and what must not get lost in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import chain, chord, group
from celery.exceptions import TaskRevokedError

from acceptance import celery_habits as habits
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from tasks_platform import PermanentError, Settings, TransientError, create_app
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

MODULES = "acceptance.celery_habits"


@pytest.fixture(scope="module")
def platform(server: RedisServer) -> Iterator[PlatformApp]:
    app = create_app(Settings(redis_url=server.url, modules=MODULES, business=False))
    app.loader.import_default_modules()
    yield app
    app.close()


@pytest.fixture(scope="module", autouse=True)
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    environment = {"TASKS_MODULES": MODULES}
    with running_worker(PLATFORM, server.url, logs / "habits.log", environment=environment) as worker:
        yield worker


def test_a_task_that_replaces_itself_keeps_its_place_in_a_chain_and_a_chord() -> None:
    assert chain(habits.is_replaced.s(1), habits.add.s(10)).apply_async().get(timeout=15) == 111
    parts = [habits.is_replaced.s(1), habits.add.s(1, 1)]

    assert chord(parts, habits.total.s()).apply_async().get(timeout=15) == 103


def test_a_task_that_replaces_itself_may_have_an_id_of_the_callers_choice() -> None:
    assert habits.is_replaced.apply_async((5,), task_id="replaced-5").get(timeout=15) == 105


def test_a_unique_task_that_replaces_itself_keeps_its_key(diary: Path) -> None:
    job = habits.replaces_itself.delay(diary, 2)
    wait_for(lambda: len(read(diary)) == 3, 20, "the last replacement")

    assert habits.replaces_itself.delay(diary, 2).id == job.id
    diary.with_suffix(".end").touch()
    assert job.get(timeout=15) == 3


def test_retry_with_a_limit_of_its_own_stops_there(diary: Path) -> None:
    handle = habits.gives_up_early.apply_async((diary,), ignore_result=False)

    with pytest.raises(TransientError, match="not today"):
        handle.get(timeout=15)
    assert read(diary) == ["0", "1"]


def test_a_callers_headers_and_masks_stay_with_every_attempt() -> None:
    handle = habits.tells_its_headers.apply_async(headers={"x-trace": "t-1"}, argsrepr="(***)")

    assert handle.get(timeout=15) == ["t-1", "(***)", 2]


def test_a_chord_whose_member_is_skipped_ends() -> None:
    handle = chord([habits.is_skipped.s(), habits.add.s(1, 1)], habits.total.s()).apply_async()

    with pytest.raises(Exception, match="nothing to do") as caught:
        handle.get(timeout=15)
    assert not isinstance(caught.value, TimeoutError)


def test_a_task_written_as_a_class_and_one_declared_by_celery_have_policies(platform: PlatformApp) -> None:
    doubles = platform.tasks[habits.Doubles.name]

    assert doubles.delay(4).get(timeout=15) == 8
    assert habits.decorated_by_celery.delay(4).get(timeout=15) == 5
    assert doubles.policies == habits.decorated_by_celery.policies == habits.add.policies


def test_a_hook_before_the_function_is_part_of_the_attempt(diary: Path) -> None:
    assert habits.is_prepared.delay(str(diary)).get(timeout=15) == ["before", "before"]


def test_run_in_place_a_task_is_retried_in_place(platform: PlatformApp, diary: Path) -> None:
    result = habits.fails_twice.apply((diary,))

    assert (result.state, result.get()) == ("SUCCESS", "at last")
    assert read(diary) == ["1", "2", "3"]


def test_an_ignored_result_is_none_and_an_error_can_be_asked_for() -> None:
    assert habits.add.apply_async((1, 2), ignore_result=True).id
    error = habits.is_refused.delay().get(timeout=15, propagate=False)

    assert isinstance(error, PermanentError)


def test_a_group_answers_in_order() -> None:
    assert group(habits.add.s(n, n) for n in range(5)).apply_async().get(timeout=15) == [0, 2, 4, 6, 8]


def test_followers_of_a_job_that_outlasts_its_period_are_told_all_the_same() -> None:
    parts = [habits.outlasts_its_period.s("k", 7), habits.outlasts_its_period.s("k", 7)]

    assert chord(parts, habits.total.s()).apply_async().get(timeout=20) == 14


def test_a_retry_that_had_to_wait_behind_another_holder_runs(diary: Path) -> None:
    first = habits.one_runs_one_waits.delay("k", diary, "a")
    wait_for(lambda: read(diary) == ["a1"], 15.0, "the first attempt")
    second = habits.one_runs_one_waits.delay("k", diary, "b")

    assert (first.get(timeout=20), second.get(timeout=20)) == ("a", "b")
    assert sorted(read(diary)) == ["a1", "a2", "b1"]


def test_an_expired_member_ends_its_chord() -> None:
    late = habits.add.s(1, 1).set(expires=0.001, countdown=0.5)

    with pytest.raises(Exception, match="expired") as caught:
        chord([late, habits.add.s(1, 1)], habits.total.s()).apply_async().get(timeout=15)
    assert not isinstance(caught.value, TimeoutError | TaskRevokedError) or "expired" in str(caught.value)
