"""How often a job is tried, and what its letter tells in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from acceptance import accidents, faults
from acceptance.diary import read
from acceptance.workers import PLAIN, PLATFORM, Worker, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery import Celery

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start a worker with one process, for a leak shows in the process it happened in."""
    with running_worker(PLATFORM, server.url, logs / "single.log", concurrency=1) as worker:
        yield worker


@pytest.fixture(scope="module")
def plain_worker(plain_url: str, logs: Path) -> Iterator[Worker]:
    """Start its counterpart."""
    with running_worker(PLAIN, plain_url, logs / "plain.log", concurrency=1) as worker:
        yield worker


def test_with_plain_celery_a_limit_given_to_retry_leaks_into_later_jobs(
    plain: Celery, plain_worker: Worker, tmp_path: Path
) -> None:
    asking, failing = str(tmp_path / "asking"), str(tmp_path / "failing")
    plain.send_task("acceptance.plain.asks_for_one_retry_or_fails", (asking, 1)).get(timeout=30)
    job = plain.send_task("acceptance.plain.asks_for_one_retry_or_fails", (failing, 0))
    wait_for(job.ready, 30, "the failure")
    assert read(failing) == ["1", "2"]  # and not the three runs that max_retries=2 promises


@pytest.mark.checklist(25)
def test_a_limit_given_to_retry_is_that_jobs_alone(platform: PlatformApp, worker: Worker, tmp_path: Path) -> None:
    asking, failing = tmp_path / "asking", tmp_path / "failing"
    accidents.asks_for_one_retry_or_fails.delay(asking, asks=True).get(timeout=30)
    job = accidents.asks_for_one_retry_or_fails.delay(failing, asks=False)
    wait_for(lambda: platform.store.letter(job.id), 30, "the letter")
    assert (read(asking), read(failing)) == (["1", "2"], ["1", "2", "3"])


def test_plain_celery_runs_a_retry_twice_whose_child_died_when_it_was_sent(
    plain: Celery, plain_worker: Worker, diary: Path
) -> None:
    plain.send_task("acceptance.plain.dies_when_its_retry_is_sent", (str(diary),))
    wait_for(lambda: read(diary).count("2") == 2, 40, "the second run of attempt 2")


@pytest.mark.checklist(85)
def test_an_attempt_that_was_sent_just_before_its_child_died_runs_once(
    platform: PlatformApp, worker: Worker, broker: Broker, diary: Path
) -> None:
    job = accidents.fails_once.delay(diary, faults.DIES_AFTER_SENDING)
    # the child sent attempt 2 and was killed; the main process, which cannot know, sends it again: on Redis in place of
    # a message that is not there any more, on RabbitMQ as a copy, of which one is run
    assert job.get(timeout=40) == 2
    wait_for(lambda: broker.owed() == 0, 20, "the acknowledgement of all copies")
    assert broker.waiting() == 0
    assert read(diary) == ["1", "2"]
    assert job.get(timeout=20) == 2


@pytest.mark.checklist(29, 30)
def test_a_permanent_error_is_a_letter_after_one_attempt(platform: PlatformApp, worker: Worker) -> None:
    job = accidents.is_refused.delay("Ada", age=36)
    letter = wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
    assert [attempt["attempt"] for attempt in letter["attempts"]] == [1]
    assert letter["cause"]["type"] == "tasks_platform.errors.ServiceRefusedError"


@pytest.mark.checklist(25, 31, 33, 36)
def test_a_letter_has_all_it_takes_to_understand_the_job_and_to_send_it_again(
    platform: PlatformApp, worker: Worker, broker: Broker
) -> None:
    before = datetime.now(UTC)
    job = accidents.has_a_bug.apply_async(("Ada",), {"age": 36}, tenant="acme", priority="high")
    letter = wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
    assert letter["cause"] == {"type": "ZeroDivisionError", "message": "attempt 3", "line": letter["cause"]["line"]}
    assert letter["cause"]["line"].startswith("acceptance.accidents:")
    assert letter["cause"]["line"].endswith("in has_a_bug")
    assert "raise ZeroDivisionError" in letter["traceback"]
    assert (letter["task"], letter["tenant"], letter["state"]) == ("acceptance.accidents.has_a_bug", "acme", "dead")
    message = letter["message"]
    assert (message["task"], message["args"], message["kwargs"]) == (letter["task"], ["Ada"], {"age": 36})
    assert (message["options"]["queue"], message["options"]["priority"]) == ("default", broker.high)
    assert message["options"]["task_id"] == job.id
    assert [a["error"]["message"] for a in letter["attempts"]] == ["attempt 1", "attempt 2", "attempt 3"]
    assert [attempt["attempt"] for attempt in letter["attempts"]] == [1, 2, 3]
    for attempt in letter["attempts"]:
        started, failed = (datetime.fromisoformat(attempt[moment]) for moment in ("started_at", "failed_at"))
        assert before - timedelta(seconds=1) <= started <= failed <= datetime.now(UTC)
        assert attempt["worker"].startswith("single@")


@pytest.mark.checklist(33)
def test_a_name_that_is_no_utf_8_costs_a_letter_neither_its_cause_nor_its_end(
    platform: PlatformApp, worker: Worker, broker: Broker
) -> None:
    moment = datetime.now(UTC)
    job = accidents.misses_a_file.apply_async(tenant="caf\udce9", headers={"moment": moment})
    letter = wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
    assert letter["message"]["options"]["headers"]["moment"].startswith(str(moment)[:19])
    assert letter["cause"]["type"] == "FileNotFoundError"
    assert "caf\\udce9" in letter["cause"]["message"]
    assert "caf\\udce9" in letter["traceback"]
    wait_for(lambda: broker.owed() == 0, 20, "the acknowledgement")


@pytest.mark.checklist(33)
def test_a_backoff_function_with_a_bug_makes_a_letter_that_tells_of_both_errors(
    platform: PlatformApp, worker: Worker
) -> None:
    job = accidents.has_a_buggy_backoff.delay()
    letter = wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
    assert letter["cause"]["type"] == "KeyError"
    assert "ConnectionError: down" in letter["traceback"]


@pytest.mark.checklist(33)
def test_a_job_whose_arguments_never_fitted_is_a_letter_that_names_the_parameter(
    platform: PlatformApp, worker: Worker
) -> None:
    job = platform.send_task("acceptance.shop.add", ("one", 2))  # by name, past the check of delay()
    letter = wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
    assert letter["cause"]["type"] == "tasks_platform.errors.PayloadError"
    assert "x: " in letter["cause"]["message"]


@pytest.mark.checklist(32)
def test_a_batch_goes_on_past_failed_members_and_repeats_only_those(
    worker: Worker, diary: Path, letters: DeadLetterQueue
) -> None:
    job = accidents.mails_everybody.delay(diary)

    mine = f"the letter of {job.id}"
    letter = wait_for(lambda: next((it for it in letters.list() if it["id"] == job.id), None), 20, mine)
    assert sorted(read(diary)) == ["ana:1", "bob:1", "bob:2", "cem:1", "dan:1", "dan:2", "eva:1"]
    assert letter["cause"]["message"] == "1 of 5 failed: dan: no such user"
    assert letter["attempts"][0]["error"]["message"].startswith("2 of 5 failed: bob: no answer; dan: ")
    assert "ServiceRefusedError: no such user" in letter["traceback"]
