"""Dead letters that are too old or too many go; never those that something waits for, and never silently."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from command_line import call
from store_records import DEAD, attempt
from tasks_platform.celery import PlatformApp
from tasks_platform.letters import DeadLetterQueue, Where
from tasks_platform.letters.purging import Purged, purge
from tasks_platform.letters.telling.watch import Watch
from tasks_platform.policies.dead_letters import SCHEMA
from tasks_platform.settings import Letters, Settings
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

DAY = 86400.0
NOW = time.time()


@pytest.fixture
def queue(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeadLetterQueue]:
    """Return the dead letters of an application on an empty server, which the commands find, too."""
    monkeypatch.setenv("TASKS_REDIS_URL", redis_url)
    monkeypatch.setenv("TASKS_BUSINESS", "false")
    settings = Settings(redis_url=redis_url, business=False, letters=Letters(keep_most=4))  # type: ignore[arg-type]
    app = PlatformApp("purged", settings=settings, set_as_current=False)
    yield DeadLetterQueue(app, by="ana")
    app.store.client.close()
    app.close()


def bury(queue: DeadLetterQueue, job_id: str, days: float, **fields: Any) -> None:
    """Write the letter of a job that died so many days ago."""
    message = {"task": "shop.ship", "args": [], "kwargs": {}, "options": fields.pop("options", {})}
    letter = {
        "schema": SCHEMA,
        "id": job_id,
        "task": "shop.ship",
        "queue": "orders",
        "state": "dead",
        "tenant": None,
        "flow": None,
        "died_at": NOW - days * DAY,
        "message": message,
        "cause": {"type": "KeyError", "message": "", "line": ""},
        "traceback": "",
        "fingerprint": "0123456789ab",
    }
    queue.store.decide(job_id, 1, fields.pop("attempt", attempt(1)), DEAD, {**letter, **fields})


def ids(queue: DeadLetterQueue) -> list[str]:
    return [letter["id"] for letter in queue.list()]


@pytest.mark.checklist(36)
def test_letters_go_by_age_and_by_count_and_the_audit_tells_how_many_of_which_bug(queue: DeadLetterQueue) -> None:
    for number in range(10):
        bury(queue, f"job-{number}", 10 - number)
    bounds = {"keep_for": 7.5 * DAY, "keep_most": 4}
    assert purge(queue, **bounds, dry_run=True) == Purged(by_age=3, by_count=3, kept=0)
    assert len(queue) == 10
    assert purge(queue, **bounds) == Purged(by_age=3, by_count=3, kept=0)
    assert ids(queue) == ["job-9", "job-8", "job-7", "job-6"]
    assert purge(queue, **bounds) == Purged(by_age=0, by_count=0, kept=0)
    told = [
        (one["why"], one["count"], one["fingerprints"], one["by"]) for one in queue.audit() if one["what"] == "purged"
    ]
    assert told == [
        ("more than 4", 3, {"0123456789ab": 3}, "ana"),
        ("older than 7.5 days", 3, {"0123456789ab": 3}, "ana"),
    ]


def test_without_a_bound_nothing_goes(queue: DeadLetterQueue) -> None:
    bury(queue, "ancient", 10_000)
    assert purge(queue, keep_for=0, keep_most=0).dropped == 0
    assert ids(queue) == ["ancient"]


def test_what_something_waits_for_is_kept_whatever_its_age(queue: DeadLetterQueue) -> None:
    in_a_flow = {"headers": {"platform": {"flow": "f-1", "rule": "park"}}}
    bury(queue, "parked", 200, options=in_a_flow, flow="f-1", state="parked")
    never_run = {"attempt": 1, "error": {"type": "NotRegistered", "message": ""}}
    bury(queue, "unknown task of a flow", 200, options=in_a_flow, flow="f-1", attempt=never_run)
    bury(queue, "of a newer version", 200, schema=SCHEMA + 1)
    bury(queue, "being replayed", 200)
    queue.store.mark_replaying("being replayed", 5.0, version=1)
    bury(queue, "failed with its flow", 200, options={"headers": {"platform": {"flow": "f-2", "rule": "fail"}}})
    bury(queue, "alone", 200)

    assert purge(queue, keep_for=90 * DAY, keep_most=1) == Purged(by_age=2, by_count=0, kept=2)
    assert set(ids(queue)) == {"parked", "unknown task of a flow", "of a newer version", "being replayed"}


def test_more_than_one_step_of_a_purge_is_as_many_records(queue: DeadLetterQueue) -> None:
    for number in range(1203):
        bury(queue, f"job-{number}", number / 1000)
    bury(queue, "kept", 100, schema=SCHEMA + 1)
    assert purge(queue, keep_for=0, keep_most=1) == Purged(by_age=0, by_count=1202, kept=1)
    assert set(ids(queue)) == {"job-0", "kept"}
    assert [one["count"] for one in queue.audit() if one["what"] == "purged"] == [202, 500, 500]
    assert queue.list(where=Where(task="shop.ship"))
    assert queue.groups()[0].letters == 2


def test_workers_do_it_by_themselves(queue: DeadLetterQueue) -> None:
    for number in range(6):
        bury(queue, f"job-{number}", number)
    bury(queue, "old", 91)
    watch = Watch(queue)
    watch.start()
    try:
        wait_for(lambda: len(queue) == 4, 10, "the purge")
    finally:
        watch.stop()
    assert ids(queue) == ["job-0", "job-1", "job-2", "job-3"]


def test_a_watch_with_nothing_to_do_asks_two_questions_a_look(
    queue: DeadLetterQueue, redis_db: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def calls() -> dict[str, int]:
        stats: Any = redis_db.info("commandstats")
        return {
            command: stats.get(f"cmdstat_{command}", {}).get("calls", 0) for command in ("llen", "xrange", "evalsha")
        }

    monkeypatch.setattr("tasks_platform.letters.telling.watch._LOOK", 0.01)
    before = calls()
    watch = Watch(queue)
    watch.start()
    try:
        wait_for(lambda: calls()["llen"] >= before["llen"] + 50, 20, "fifty looks")
        after = calls()
    finally:
        watch.stop()
    assert after["xrange"] - before["xrange"] <= 60
    assert after["evalsha"] - before["evalsha"] <= 10  # the claim to tell, and one purge


def test_a_person_is_shown_and_asked_first(queue: DeadLetterQueue) -> None:
    for number in range(5):
        bury(queue, f"job-{number}", number * 10)
    shown = json.loads(call("letters", "purge", "--older-than", "25d", "--keep", "2", "--dry-run", "--json").stdout)
    assert shown == {"by_age": 2, "by_count": 1, "kept": 0, "dry_run": True}
    asked = call("letters", "purge", "--older-than", "25d", given="n\n")
    assert asked.exit_code == 1
    assert "Drop 2 dead letters (2 too old, 0 too many)?" in asked.stderr
    assert len(queue) == 5
    done = call("letters", "purge", "--older-than", "25d", "--yes", "--by", "bob")
    assert done.output == "2 dead letters (2 too old, 0 too many) were dropped\n"
    assert queue.audit()[0]["by"] == "bob"
    assert call("letters", "purge", "--older-than", "often").exit_code == 2
