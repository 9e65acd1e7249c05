"""What a caller says of one job: when it is due, how often it is tried, how soon it matters."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain

from acceptance import accidents, shop
from acceptance.diary import read
from tasks_platform import Priority, call
from tasks_platform.errors import OptionError
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.queues import broker_priority
from tasks_platform.sending import background_sync, cleanup, critical, user_action
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from acceptance.workers import Worker
    from tasks_platform.celery import PlatformApp


def the_message(client: redis.Redis, priority: Priority) -> dict[str, Any]:
    """Return the one message that waits in the list of *priority*, or to be due, and take it."""
    step = broker_priority(priority)
    raw = client.rpop("default" + (f"\x06\x16{step}" if step else ""))
    if raw is None:
        ((delayed, _),) = client.zpopmin("leased:delayed:default")
        _, its_step, raw = delayed.split("|", 2)
        assert its_step == str(step)
    message: dict[str, Any] = json.loads(raw)
    return message


@pytest.mark.checklist(43)
def test_a_word_says_how_soon_a_job_matters(platform: PlatformApp, client: redis.Redis) -> None:
    begun = datetime.now(UTC)
    for send, level in (
        (critical, Priority.CRITICAL),
        (user_action, Priority.HIGH),
        (background_sync, Priority.NORMAL),
        (cleanup, Priority.LOW),
    ):
        job = send(shop.add, 1, y=2)
        message = the_message(client, level)
        assert message["headers"]["id"] == job.id
        eta = message["headers"]["eta"]
        if send is cleanup:
            assert datetime.fromisoformat(eta) - begun >= timedelta(seconds=60)
        else:
            assert eta is None


def test_an_option_that_cannot_work_is_refused_in_words(platform: PlatformApp) -> None:
    naive = datetime(2030, 1, 1)  # noqa: DTZ001 - that is what is wrong with it
    with pytest.raises(OptionError, match=r"eta=2030-01-01 00:00:00 does not say in which time zone"):
        shop.add.apply_async((1, 2), eta=naive)
    with pytest.raises(OptionError, match=r"expires=.* does not say in which time zone"):
        shop.add.apply_async((1, 2), expires=naive)
    with pytest.raises(OptionError, match="does not say in which time zone"):
        shop.add.send_at(naive, 1, 2)
    with pytest.raises(OptionError, match="contradict each other"):
        shop.add.apply_async((1, 2), countdown=5, eta=datetime.now(UTC))
    with pytest.raises(OptionError, match="the first run counts"):
        shop.add.apply_async((1, 2), max_attempts=0)


@pytest.mark.checklist(5)
def test_a_job_is_built_step_by_step_and_then_sent(worker: Worker, diary: Path) -> None:
    begun = datetime.now(UTC)
    plain = call(shop.notes_the_time, diary, "built")
    urgent = plain.set(priority="high", queue="orders").set(max_attempts=5, tenant="acme")
    later = urgent.set(countdown=timedelta(seconds=0.5), task_id="built-1")
    assert later.send().id == later.send().id == "built-1"
    wait_for(lambda: read(diary), 20, "the job")
    (line,) = read(diary)
    assert datetime.fromisoformat(line.removeprefix("built=")) >= begun + timedelta(seconds=0.5)
    assert (plain.options, urgent.options["priority"], later.options["queue"]) == ({}, "high", "orders")
    assert call(shop.whose).set(tenant="acme").send().get(timeout=20) == "acme"
    with pytest.raises(OptionError, match="the first run counts"):
        plain.set(max_attempts=0).send()


@pytest.mark.checklist(44, 45)
def test_a_job_runs_at_a_moment_or_after_a_duration_and_not_before(worker: Worker, diary: Path) -> None:
    begun = datetime.now(UTC)
    moment = begun + timedelta(seconds=1.2)
    shop.notes_the_time.send_at(moment, diary, "moment")
    shop.notes_the_time.send_after(timedelta(seconds=0.8), diary, name="duration")
    shop.notes_the_time.send_at(begun - timedelta(days=1), diary, "past")
    wait_for(lambda: len(read(diary)) == 3, 20, "all three")
    started = {name: datetime.fromisoformat(at) for name, at in (line.split("=") for line in read(diary))}
    assert started["moment"] >= moment
    assert started["duration"] >= begun + timedelta(seconds=0.8)
    assert started["past"] < started["duration"]


@pytest.mark.checklist(3, 25)
def test_a_call_says_how_often_its_job_is_tried(worker: Worker, letters: DeadLetterQueue) -> None:
    for attempts in (1, 2, 4):
        accidents.has_a_bug.apply_async(("ana", 30), max_attempts=attempts, task_id=f"tried-{attempts}")
    step = accidents.has_a_bug.si("bob", 40).set(max_attempts=1, task_id="tried-as-a-step")
    chain(shop.add.si(1, 2), step).apply_async()
    wait_for(lambda: len(letters) == 4, 40, "the letters")
    tried = {letter["id"]: len(letter["attempts"]) for letter in letters.list()}
    assert tried == {"tried-1": 1, "tried-2": 2, "tried-4": 4, "tried-as-a-step": 1}
