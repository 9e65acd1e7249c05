"""What a caller can say: an id, a time, a tenant; and how: from asyncio, too."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from celery import chain, chord, group

from acceptance import accidents, shop
from acceptance.diary import read
from acceptance.senders import send_at_once
from tasks_platform import acting_for
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from acceptance.workers import Worker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.checklist(7, 55)
def test_one_id_sent_at_once_by_eight_processes_is_one_job(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, worker: Worker, diary: Path
) -> None:
    options = {"task_id": "receipt-1"}
    ids = send_at_once(server.url, client, "notes_its_id", [str(diary)], options, times=200)
    assert ids == ["receipt-1"] * 200
    assert platform.AsyncResult("receipt-1").get(timeout=20) == "receipt-1"
    assert shop.notes_its_id.apply_async((diary,), **options).id == "receipt-1"  # it has ended: still the same job
    shop.notes_its_id.delay(diary).get(timeout=20)
    assert read(diary)[:1] == ["receipt-1"]
    assert len(read(diary)) == 2


@pytest.mark.checklist(1)
def test_a_job_is_a_name_and_a_json_payload_and_its_sender_gets_its_id(platform: PlatformApp, worker: Worker) -> None:
    by_name = platform.send_task("acceptance.shop.add", kwargs={"x": 1, "y": 2})
    typed = shop.add.delay(3, 4)

    assert UUID(by_name.id).version == UUID(typed.id).version == 4
    assert (by_name.get(timeout=15), typed.get(timeout=15)) == (3, 7)


@pytest.mark.checklist(7)
def test_an_id_stays_taken_while_its_job_is_retried(worker: Worker, diary: Path) -> None:
    jobs = [accidents.fails_once.apply_async((diary,), task_id="receipt-2") for _ in range(3)]
    wait_for(lambda: len(read(diary)) == 2, 20, "the second attempt")
    assert [job.get(timeout=20) for job in jobs] == [2, 2, 2]
    assert accidents.fails_once.apply_async((diary,), task_id="receipt-2").get(timeout=20) == 2
    assert read(diary) == ["1", "2"]


def test_jobs_without_an_id_of_the_callers_choice_are_all_run(worker: Worker, diary: Path) -> None:
    ids = {shop.notes_its_id.delay(diary).get(timeout=20) for _ in range(3)}
    assert ids == set(read(diary))
    assert len(ids) == 3


@pytest.mark.checklist(44, 45)
def test_a_countdown_and_an_eta_are_not_early(worker: Worker, diary: Path) -> None:
    begin = datetime.now(UTC)
    eta = begin + timedelta(seconds=1.5)
    shop.notes_the_time.apply_async((diary, "eta"), eta=eta)
    shop.notes_the_time.apply_async((diary, "countdown"), countdown=1.0)
    shop.notes_the_time.delay(diary, "now")
    wait_for(lambda: len(read(diary)) == 3, 20, "all three")
    names, moments = zip(*(line.split("=") for line in read(diary)), strict=True)
    assert names == ("now", "countdown", "eta")
    assert datetime.fromisoformat(moments[1]) >= begin + timedelta(seconds=1.0)
    assert datetime.fromisoformat(moments[2]) >= eta


def test_a_tenant_travels_with_a_job_and_all_that_follows_from_it(worker: Worker, diary: Path) -> None:
    with acting_for("acme"):
        steps = chain(shop.whose.si(), shop.and_whose.s()).apply_async()
        parts = chord([shop.whose.si(), shop.whose.si()], shop.and_whose.s()).apply_async()
        parent = shop.sends_a_child.delay()
        retried = shop.whose_after_a_retry.delay()
        linked = shop.whose.apply_async(link=shop.notes_whose.si(diary))
        nested = chain(shop.whose.si(), group(shop.whose.si(), shop.whose.si()), shop.and_whose.s()).apply_async()
    nobody = shop.whose.delay()
    assert steps.get(timeout=20) == ["acme", "acme"]
    assert parts.get(timeout=20) == ["acme", "acme", "acme"]
    assert shop.whose.AsyncResult(parent.get(timeout=20)).get(timeout=20) == "acme"
    assert retried.get(timeout=20) == "acme"
    assert linked.get(timeout=20) == "acme"
    wait_for(lambda: read(diary) == ["acme"], 20, "the callback")
    assert nested.get(timeout=20) == ["acme", "acme", "acme"]
    assert nobody.get(timeout=20) == "nobody"
    assert shop.whose.apply_async(tenant="globex").get(timeout=20) == "globex"


def test_asyncio_code_sends_without_blocking_its_loop(worker: Worker) -> None:
    async def send() -> list[int]:
        with acting_for("acme"):
            jobs = await asyncio.gather(*(shop.add.adelay(number, 1) for number in range(20)), shop.whose.adelay())
        return [await asyncio.to_thread(job.get, timeout=20) for job in jobs]

    assert asyncio.run(send()) == [*range(1, 21), "acme"]
