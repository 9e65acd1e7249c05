"""Classes of workers: each takes its levels only, and gives nothing back to a list that is not a message's own."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.diary import read
from acceptance.workers import running_class
from command_line import call as command
from command_line import refusal
from tasks_platform import Priority
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

#: Beside the class ``low`` of the platform; and what is not acknowledged is given back soon, by whoever sees it.
ENVIRONMENT = {
    "TASKS_WORKERS": '{"rest": {"priorities": ["critical", "high", "normal"], "concurrency": 1}}',
    "TASKS_LEASE": "2",
}


@pytest.mark.checklist(40)
def test_what_a_lost_worker_held_comes_back_to_its_own_level_whoever_gives_it_back(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    with running_class("rest", server.url, logs / "lost.log", environment=ENVIRONMENT) as lost:
        shop.sleeps_the_first_time.apply_async((diary,), priority=Priority.CRITICAL)
        wait_for(lambda: read(diary) == ["started"], 20, "the job")
        lost.send(signal.SIGKILL)
        lost.wait()
    with running_class("low", server.url, logs / "low.log", environment=ENVIRONMENT) as low:
        wait_for(lambda: client.llen("default") == 1, 30, "its message in the list of the level critical")
        shop.notes_a_number.apply_async((diary, 7), priority=Priority.BULK)
        wait_for(lambda: "7" in read(diary), 20, "a job of the other class")
        assert (client.llen("default"), read(diary)) == (1, ["started", "7"])
        assert not low.said("sleeps_the_first_time[")
    with running_class("rest", server.url, logs / "again.log", environment=ENVIRONMENT):
        wait_for(lambda: read(diary) == ["started", "7", "started"], 20, "the second run")


def test_a_job_that_was_revoked_is_not_run_by_a_class_that_starts_later(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    with running_class("critical", server.url, logs / "critical.log", sociable=True):
        # until one has heard of it: what is told to all before anybody listens is told to nobody
        wait_for(lambda: platform.control.revoke("unwanted", reply=True, timeout=2, limit=1), 20, "its answer")
        shop.notes_a_number.apply_async((diary, 1), task_id="unwanted", priority=Priority.NORMAL)
        shop.notes_a_number.apply_async((diary, 2), priority=Priority.NORMAL)
        with running_class("normal", server.url, logs / "normal.log", sociable=True) as normal:
            wait_for(lambda: normal.told("cancelled", "unwanted"), 20, "the end of the revoked job")
            shop.notes_a_number.apply_async((diary, 3), priority=Priority.CRITICAL)
            wait_for(lambda: sorted(read(diary)) == ["2", "3"], 20, "the other jobs, one of each class")
            answers = platform.control.inspect(timeout=20, limit=2).stats()
    sizes = {name.partition("@")[0]: answer["pool"]["max-concurrency"] for name, answer in answers.items()}
    assert sizes == {"critical": 10, "normal": 5}


@pytest.mark.checklist(60)
def test_a_class_of_ones_own_serves_the_queues_that_it_is_given(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    environment = {"TASKS_WORKERS__MAIL__QUEUES": "orders,unknown", "TASKS_WORKERS__MAIL__CONCURRENCY": "1"}
    shop.notes_a_number.apply_async((diary, 1), priority=Priority.CRITICAL)
    for number, level in enumerate(Priority, 2):
        shop.is_ordered.apply_async((diary, number), priority=level)
    with running_class("mail", server.url, logs / "mail.log", environment=environment):
        wait_for(lambda: len(read(diary)) == len(Priority), 20, "the jobs of its queue")
        assert read(diary) == ["2", "3", "4", "5", "6"]
        shop.notes_a_number.apply_async((diary, 7), queue="unknown", priority=Priority.BULK)
        wait_for(lambda: read(diary)[5:] == ["7"], 20, "the job of its other queue, and none of another one")


@pytest.mark.checklist(23)
def test_a_run_takes_no_longer_than_its_class_of_workers_allows(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path, letters: DeadLetterQueue
) -> None:
    environment = {"TASKS_WORKERS__BRIEF__CONCURRENCY": "1", "TASKS_WORKERS__BRIEF__TIME_LIMIT": "1"}
    with running_class("brief", server.url, logs / "brief.log", environment=environment):
        shop.sleeps_the_first_time.apply_async((diary,), max_attempts=1, task_id="too-long")
        wait_for(lambda: len(letters) == 1, 40, "the letter")
    assert letters.show("too-long")["cause"]["type"].endswith("TimeLimitExceeded")


def test_a_class_that_does_not_exist_is_refused_with_those_that_do(server: RedisServer) -> None:
    answer = command("worker", "fast", TASKS_REDIS_URL=server.url, TASKS_BUSINESS="false")
    assert refusal(answer) == "there is no worker class 'fast': there are critical, low, normal"
