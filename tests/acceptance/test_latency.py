"""How long jobs wait is measured where they are begun, and shown."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import accidents, shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from command_line import call as command
from tasks_platform import call, enqueue_many
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from celery import Celery

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.checklist(39)
def test_the_time_from_due_to_begun_is_shown_by_level_and_queue(
    platform: PlatformApp, server: RedisServer, plain_producer: Celery, logs: Path, diary: Path
) -> None:
    shop.notes_a_number.apply_async((diary, 1), priority="critical")
    enqueue_many([call(shop.notes_a_number, diary, number).set(priority="low") for number in (2, 3)])
    shop.is_ordered.delay(diary, 4)
    accidents.fails_once.apply_async((diary,), priority="high")
    sent = time.monotonic()
    wait_for(lambda: time.monotonic() - sent > 1.1, 5, "longer than a critical job may wait")
    with running_worker(PLATFORM, server.url, logs / "latency.log"):
        plain_producer.send_task("acceptance.shop.notes_a_number", (str(diary), 5), priority=9)
        wait_for(lambda: len(read(diary)) == 7, 60, "all jobs")  # one of them twice
        shop.notes_a_number.apply_async((diary, 6), priority="bulk", countdown=timedelta(seconds=2))
        wait_for(lambda: {row["level"]: row["jobs"] for row in shown(server)}.get("bulk") == 1, 30, "the late one")
    assert '"waited": ' in (logs / "latency.log").read_text()
    rows = {(row["level"], row["queue"]): row for row in shown(server)}
    assert rows["critical", "default"]["inside"] == 0.0
    assert rows["critical", "default"]["p50"] > 1.1
    assert rows["low", "default"]["jobs"] == 2
    assert rows["low", "default"]["inside"] == 1.0
    assert rows["normal", "orders"]["jobs"] == 1
    assert rows["high", "default"]["jobs"] == 1  # its second attempt did not wait
    bulk = rows["bulk", "default"]
    assert (bulk["jobs"], bulk["objective"], bulk["inside"]) == (1, None, None)
    assert {level for (level, _), row in rows.items() if row["unknown"]} == {
        "bulk" if platform.zero_is_first else "normal"
    }
    assert bulk["p99"] < 2  # the time in which it was not due does not count
    table = command("latency", TASKS_REDIS_URL=server.url, TASKS_BUSINESS="false").stdout
    assert "orders" in table
    assert "100.0%" in table


def shown(server: RedisServer) -> list[dict[str, Any]]:
    answer = command("latency", "--json", TASKS_REDIS_URL=server.url, TASKS_BUSINESS="false")
    rows: list[dict[str, Any]] = json.loads(answer.stdout)
    return rows
