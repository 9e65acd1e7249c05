"""What travels: plain JSON that others write and read, and rubbish that does no harm."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
import redis

from acceptance import shop
from acceptance.messages import by_hand, id_of
from acceptance.shop import Item, Parcel
from acceptance.workers import PLAIN, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from acceptance.brokers import Broker
    from acceptance.workers import Worker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

ORDER = UUID("12345678-1234-5678-1234-567812345678")
WHEN = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
PARCEL = Parcel(order=ORDER, weight=Decimal("1.10"), items=[Item(name="tea", count=2)])
AS_JSON = {"order": str(ORDER), "weight": "1.10", "items": [{"name": "tea", "count": 2}]}


@pytest.mark.checklist(4)
def test_a_message_that_another_language_wrote_runs_with_typed_arguments(
    platform: PlatformApp, worker: Worker, broker: Broker
) -> None:
    message = by_hand("acceptance.shop.describes", [[AS_JSON, "2026-11-22T08:30:00Z"], {"within": "PT90S"}, {}])
    broker.put(message)
    told = platform.AsyncResult(id_of(message)).get(timeout=20)
    assert told == ["Parcel", "UUID", "Decimal", "Item", "datetime", "timedelta"]


@pytest.mark.checklist(4)
def test_typed_arguments_and_results_arrive_as_what_they_were(worker: Worker) -> None:
    job = shop.describes.delay(PARCEL, WHEN, within=timedelta(seconds=90))
    assert job.get(timeout=20) == ["Parcel", "UUID", "Decimal", "Item", "datetime", "timedelta"]
    assert shop.ships.delay(PARCEL, WHEN).get(timeout=20) == PARCEL


@pytest.mark.checklist(4)
def test_a_plain_celery_worker_reads_what_the_platform_sends(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, broker: Broker, logs: Path
) -> None:
    job = shop.ships.apply_async((PARCEL, WHEN), queue="abroad")
    raw = broker.peek("abroad")
    args, kwargs, _ = json.loads(raw["body"])
    assert (args, kwargs) == ([AS_JSON, "2026-11-22T08:30:00Z"], {})
    assert "__type__" not in json.dumps(raw)
    where = {"PLAIN_BROKER": broker.url or server.url}
    with running_worker(PLAIN, server.url, logs / "plain.log", "--queues", "abroad", environment=where):
        wait_for(job.ready, 30, "the plain worker")
    meta = json.loads(client.get(f"celery-task-meta-{job.id}"))
    assert (meta["status"], meta["result"]) == ("SUCCESS", [args, kwargs])


RUBBISH = {
    "no JSON": by_hand("acceptance.shop.add", "{nonsense"),
    "not UTF-8": by_hand(
        "acceptance.shop.add",
        base64.b64encode(b"\xff\xfe[[1, 2], {}, {}]").decode(),
        properties={
            "correlation_id": str(uuid4()),
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": "default"},
        },
    ),
    "pickle": by_hand(
        "acceptance.shop.add", "gASVBAAAAAAAAABLAYWULg==", **{"content-type": "application/x-python-serialize"}
    ),
    "a number": by_hand("acceptance.shop.add", 42),
    "an empty list": by_hand("acceptance.shop.add", []),
    "null": by_hand("acceptance.shop.add", None),
    "arguments that are none": by_hand("acceptance.shop.add", [7, 8, 9]),
    "no headers": by_hand("acceptance.shop.add", [[1, 2], {}, {}], headers={}),
    "no id": by_hand("acceptance.shop.add", [[1, 2], {}, {}], headers={"task": "acceptance.shop.add"}),
    "headers of another kind": by_hand("acceptance.shop.add", [[1, 2], {}, {}], headers=None),
    "an eta that is none": by_hand(
        "acceptance.shop.add",
        [[1, 2], {}, {}],
        headers={"task": "acceptance.shop.add", "id": "rubbish-eta", "eta": "tomorrow"},
    ),
    "an id that is no text": by_hand(
        "acceptance.shop.add", [[1, 2], {}, {}], headers={"task": "acceptance.shop.add", "id": "rubbish-\ud800"}
    ),
    "a task that is no text": by_hand(
        "acceptance.shop.add", [[1, 2], {}, {}], headers={"task": "acceptance.\ud800", "id": "rubbish-task"}
    ),
    "a body that is no text": by_hand("acceptance.shop.add", "\ud800", headers={}),
    "a copy that is no text": by_hand(
        "acceptance.shop.add",
        [[1, 2], {}, {}],
        headers={"task": "acceptance.shop.add", "id": "rubbish-copy", "platform": {"copy": [1]}},
    ),
}


def test_a_plain_celery_worker_ends_when_it_reads_rubbish(plain_url: str, logs: Path) -> None:
    with (
        running_worker(PLAIN, plain_url, logs / "plain-rubbish.log") as worker,
        redis.Redis.from_url(plain_url) as broker,
    ):
        broker.lpush("celery", by_hand("acceptance.plain.add", 42))
        worker.wait()
        assert worker.said("Unrecoverable error")
        assert broker.llen("celery") == 0


@pytest.mark.parametrize("message", RUBBISH.values(), ids=RUBBISH.keys())
@pytest.mark.checklist(16, 84)
def test_rubbish_becomes_a_letter_and_the_worker_goes_on(
    platform: PlatformApp, worker: Worker, broker: Broker, message: str
) -> None:
    before = platform.store.count_letters()
    broker.put(message)
    wait_for(lambda: platform.store.count_letters() == before + 1, 20, "the letter")
    assert shop.add.delay(20, 22).get(timeout=20) == 42
    wait_for(lambda: broker.owed() == 0, 20, "the acknowledgement")
    assert not worker.said("Trying to re-establish the connection")


@pytest.mark.checklist(68, 69)
def test_progress_is_seen_while_a_job_runs(platform: PlatformApp, worker: Worker, diary: Path) -> None:
    job = shop.counts.delay(diary)
    wait_for(lambda: (platform.store.progress(job.id) or {}).get("percent") == 40.0, 20, "the report")
    assert platform.store.progress(job.id)["message"] == "counting"
    wait_for(lambda: job.state == "PROGRESS" and job.info["percent"] == 40.0, 20, "the state")
    diary.with_suffix(".end").touch()
    assert job.get(timeout=20) == 2
    assert platform.store.progress(job.id)["percent"] == 100.0
