"""Which job is next: priorities and queues. Each test starts its worker when all jobs wait."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from tasks_platform import Priority
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from celery import Celery

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.checklist(15, 38, 42, 61)
def test_jobs_start_strictly_by_priority_and_first_in_first_out_inside_a_level(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    levels = list(Priority) * 10
    random.Random(7).shuffle(levels)
    for number, level in enumerate(levels):
        options = {"priority": level} if number % 3 else {"priority": level.name}
        shop.notes_a_number.apply_async((diary, number), **options)
    with running_worker(PLATFORM, server.url, logs / "order.log", concurrency=1):
        wait_for(lambda: len(read(diary)) == len(levels), 40, "all jobs")
    ranked = sorted(range(len(levels)), key=lambda number: (list(Priority).index(levels[number]), number))
    assert [str(number) for number in ranked] == read(diary)


@pytest.mark.checklist(38)
def test_a_task_has_a_level_of_its_own_and_a_plain_producer_may_name_one(
    platform: PlatformApp, server: RedisServer, plain_producer: Celery, logs: Path, diary: Path
) -> None:
    shop.notes_a_number.delay(diary, 3)
    shop.notes_a_number_late.delay(diary, 5)
    shop.notes_a_number.delay(diary, 4)
    shop.notes_a_number_soon.delay(diary, 2)
    plain_producer.send_task("acceptance.shop.notes_a_number", (str(diary), 1), priority=0)
    plain_producer.send_task("acceptance.shop.notes_a_number", (str(diary), 6), priority=9)
    with running_worker(PLATFORM, server.url, logs / "levels.log", concurrency=1):
        wait_for(lambda: len(read(diary)) == 6, 40, "all jobs")
    assert read(diary) == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.checklist(14, 40)
def test_a_worker_of_some_queues_gets_their_jobs_only_and_one_of_none_gets_all(
    platform: PlatformApp, server: RedisServer, broker: Broker, logs: Path, tmp_path: Path
) -> None:
    orders, others = tmp_path / "orders", tmp_path / "others"
    shop.is_ordered.delay(orders, 1)
    shop.is_ordered.apply_async((others, 1), queue="elsewhere")
    shop.notes_a_number.delay(others, 2)
    shop.notes_a_number.apply_async((orders, 2), queue="orders")
    platform.send_task("acceptance.shop.is_ordered", (str(orders), 3))  # by name: it goes home, too
    owed = broker.owed()  # by the workers of the tests before
    with running_worker(PLATFORM, server.url, logs / "orders.log", "--queues", "orders", concurrency=1):
        wait_for(lambda: len(read(orders)) == 3, 30, "the orders")
        wait_for(lambda: broker.owed() <= owed, 10, "the acknowledgements")  # its end is a kill
        assert read(others) == []
    shop.is_ordered.delay(orders, 4)
    with running_worker(PLATFORM, server.url, logs / "all.log", concurrency=1):
        wait_for(lambda: len(read(orders)) == 4, 30, "the fourth order")
        wait_for(lambda: len(read(others)) == 1, 30, "what waits in the default queue")
    assert (read(orders), read(others)) == (["1", "2", "3", "4"], ["2"])
