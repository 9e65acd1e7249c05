"""When an installation counts as well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks_platform.errors import SettingsError
from tasks_platform.health import Finding, HealthRegistry
from tasks_platform.health.beat import firing
from tasks_platform.health.limits import letters, waiting
from tasks_platform.health.server import persistence
from tasks_platform.health.workers import served, share_of
from tasks_platform.schedules import Beat
from tasks_platform.settings import Health

KEPT = {"aof_enabled": 1, "aof_last_write_status": "ok", "maxmemory": 0, "maxmemory_policy": "noeviction"}


@pytest.mark.parametrize(
    ("changes", "healthy", "says"),
    [
        ({}, True, "answers"),
        ({"aof_enabled": 0}, False, "appendonly yes"),
        ({"aof_last_write_status": "err"}, False, "its disk"),
        ({"maxmemory": 1 << 30}, True, "answers"),
        ({"maxmemory": 1 << 30, "maxmemory_policy": "allkeys-lru"}, False, "instead of allkeys-lru"),
        ({"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, True, "answers"),
    ],
)
def test_a_server_has_to_keep_what_it_is_given(changes, healthy, says) -> None:
    finding = persistence({**KEPT, **changes})

    assert finding.healthy is healthy
    assert says in finding.message


@pytest.mark.parametrize(
    ("counts", "healthy"),
    [
        ({}, True),
        ({"default": 999, "email": 999}, True),
        ({"default": 1000}, False),
        ({"bulk": 4999}, True),
        ({"bulk": 5000}, False),
    ],
)
@pytest.mark.checklist(77)
def test_fewer_than_a_thousand_jobs_may_wait_in_a_queue_without_a_bound_of_its_own(counts, healthy) -> None:
    finding = waiting(counts, Health(queues={"bulk": 5000}))

    assert finding.healthy is healthy
    if not healthy:
        ((queue, count),) = counts.items()
        assert f"{queue} has {count:,} of" in finding.message


@pytest.mark.parametrize(("count", "healthy"), [(0, True), (99, True), (100, False)])
@pytest.mark.checklist(77)
def test_there_may_be_fewer_than_a_hundred_dead_letters(count, healthy) -> None:
    assert letters(count, Health()).healthy is healthy


def test_every_queue_needs_a_worker() -> None:
    one, two = share_of([{"name": "default"}]), share_of([{"name": "email"}, {"name": "other"}])

    assert served(["default", "email"], {"one": one, "two": two}).healthy

    finding = served(["default", "email"], {"one": one})

    assert not finding.healthy
    assert "no worker answers for email" in finding.message
    assert finding.figures["queues"] == {"default": ["one"], "email": []}


@pytest.mark.checklist(40)
def test_a_level_without_a_worker_is_noticed() -> None:
    levels = {"consumer_arguments": {"levels": ["critical", "high", "normal"]}}
    upper = share_of([{"name": "default", **levels}])

    finding = served(["default"], {"upper": upper})

    assert not finding.healthy
    assert "no worker takes low of default, bulk of default" in finding.message
    lower = share_of([{"name": "default", "consumer_arguments": {"levels": ["low", "bulk"]}}])
    assert served(["default"], {"upper": upper, "lower": lower}).healthy


def test_a_check_that_raises_has_found_something() -> None:
    registry = HealthRegistry()

    @registry.register("payments")
    def payments() -> Finding:
        raise ConnectionError("nobody there")

    (report,) = registry.run()
    assert (report.alarming, report.finding.message) == (True, "ConnectionError: nobody there")


def test_a_check_that_is_not_required_is_reported_and_does_not_alarm() -> None:
    registry = HealthRegistry()
    registry.register("weather", required=False)(lambda: Finding(healthy=False, message="it rains"))

    (report,) = registry.run()
    assert (report.finding.healthy, report.alarming) == (False, False)


def test_what_depends_on_something_ill_is_not_tried() -> None:
    registry, tried = HealthRegistry(), []
    registry.register("redis")(lambda: Finding(healthy=False, message="down"))

    @registry.register("letters", after=["redis"])
    def count() -> Finding:
        tried.append("letters")
        return Finding(healthy=True, message="")

    first, second = registry.run()
    assert (first.finding.message, second.finding.message) == ("down", "not known: redis has to be well first")
    assert tried == []
    assert [report.name for report in registry.run(["letters"])] == ["letters"]
    assert tried == ["letters"]


def test_a_check_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingsError, match="no health check weather; there are "):
        list(HealthRegistry().run(["weather"]))


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_beat(*, leads: bool = True, ticked_at: datetime | None = NOON) -> Beat:
    return Beat(name="beat@box:1", host="box", pid=1, leads=leads, since=NOON, ticked_at=ticked_at)


@pytest.mark.parametrize(
    ("entries", "beats", "later", "healthy", "says"),
    [
        ([], [], 0, True, "nothing is scheduled"),
        (["report"], [], 0, False, "start celery -A tasks_platform beat"),
        (["report"], [a_beat(leads=False)], 0, False, "there is no beat to fire 1 schedule"),
        (["report"], [a_beat(), a_beat(leads=False)], 50, True, "beat@box:1 fires 1 schedule, 1 more stand by"),
        (["report"], [a_beat()], 70, False, "has not looked at the schedule since 12:00:00 UTC"),
        (["report"], [a_beat(ticked_at=None)], 70, False, "since 12:00:00 UTC"),
    ],
)
def test_somebody_has_to_fire_what_is_scheduled(entries, beats, later, healthy, says) -> None:
    finding = firing(entries, beats, NOON + timedelta(seconds=later))

    assert finding.healthy is healthy
    assert says in finding.message
