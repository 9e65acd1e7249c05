from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st

from property_tests import given
from tasks_platform.errors import SettingsError
from tasks_platform.latency import counted, read
from tasks_platform.queues import PRIORITY_STEPS, Priority, broker_priority, priority_level
from tasks_platform.settings import Objectives, load_settings
from tasks_platform.store import MemoryStore
from tasks_platform.task.waiting import WaitTally

NOW = 1_000_000.0


def waits_of(*seconds: float | None, objective: float | None = None):
    counts: Counter[str] = Counter()
    for waited in seconds:
        counts.update(counted("mail:urgent", Priority.HIGH, waited, objective))
    (waits,) = read(counts)
    return waits


def begun(headers, at=NOW, priority=3, *, highest_first=True):
    """Return what is known of the waits after one run that began now."""
    tally, store = WaitTally(Objectives(), highest_first=highest_first), MemoryStore()
    tally.begun(headers, {"routing_key": "default", "priority": priority}, at)
    tally.write_down(store)
    return read(store.waits([int(time.time() // 3600)]))


@given(st.lists(st.floats(0.002, 1e6), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_no_less_than_it_should_be_and_a_fifth_more_at_most(seconds, share):
    exact = sorted(seconds)[max(0, -(-len(seconds) * int(share * 100) // 100) - 1)]

    assert exact <= waits_of(*seconds).at_most(share) * 1.000001
    assert waits_of(*seconds).at_most(share) <= exact * 1.2 * 1.000001


def test_what_is_promised_is_counted_exactly():
    waits = waits_of(0.5, 10.0, 10.001, 3600, None, objective=10.0)

    assert (waits.queue, waits.jobs, waits.inside, waits.unknown) == ("mail:urgent", 4, 2, 1)
    assert waits_of(None).at_most(0.5) is None


@pytest.mark.checklist(39)
def test_levels_promise_a_second_ten_five_minutes_an_hour_and_nothing(monkeypatch):
    promised = [Objectives().seconds(level) for level in Priority]
    monkeypatch.setenv("TASKS_OBJECTIVES__LOW", "none")
    monkeypatch.setenv("TASKS_OBJECTIVES__HIGH", "PT5S")
    changed = load_settings().objectives

    assert promised == [1, 10, 300, 3600, None]
    assert [changed.seconds(level) for level in Priority] == [1, 5, 300, None, None]
    monkeypatch.setenv("TASKS_OBJECTIVES__HIGH", "soon")
    with pytest.raises(SettingsError, match="TASKS_OBJECTIVES__HIGH"):
        load_settings()


@pytest.mark.parametrize(
    ("headers", "known", "unknown"),
    [
        ({"platform": {"due": NOW - 2}}, 1, 0),
        ({"platform": {"due": NOW - 2, "copy": "x", "reserved": True}, "retries": 0}, 1, 0),
        ({"eta": datetime.fromtimestamp(NOW - 2, UTC).isoformat()}, 1, 0),
        ({}, 0, 1),
        ({"platform": None, "eta": "soon"}, 0, 1),
        ({"platform": {"due": "yesterday"}}, 0, 1),
        ({"platform": {"due": -(10**400)}}, 0, 1),
        ({"platform": {"due": float("-inf")}}, 0, 1),
        ({"platform": {"due": float("nan")}}, 0, 1),
        ({"platform": {"copy": "x"}}, 0, 0),
        ({"platform": {"due": NOW - 2}, "retries": 1}, 0, 0),
        ({"retries": 1}, 0, 0),
    ],
)
def test_a_first_attempt_is_measured_where_it_is_known_when_it_was_due(headers, known, unknown):
    found = begun(headers)

    assert [(waits.jobs, waits.unknown) for waits in found] == ([(known, unknown)] if known + unknown else [])
    assert all(2 <= waits.at_most(0.5) <= 2.4 for waits in found if known)


def test_a_job_that_is_due_later_than_it_was_begun_has_not_waited():
    (waits,) = begun({"platform": {"due": NOW + timedelta(seconds=5).total_seconds()}})

    assert waits.at_most(1.0) == 0.001


@pytest.mark.parametrize("level", Priority)
def test_a_level_is_known_by_its_number_on_either_broker(level):
    for highest_first in (True, False):
        number = broker_priority(level, highest_first=highest_first)
        (waits,) = begun({}, priority=number, highest_first=highest_first)
        assert waits.level is level
    assert priority_level(None) is Priority.CRITICAL  # a plain producer's list
    assert priority_level(None, highest_first=False) is Priority.NORMAL  # a plain producer's queue
    assert len(PRIORITY_STEPS) == len(Priority)


class LosesAnAnswer(MemoryStore):
    def __init__(self):
        super().__init__()
        self.lost = False

    def count_waits(self, *args):
        super().count_waits(*args)
        if not self.lost:
            self.lost = True
            raise ConnectionError("the answer got lost")


def test_what_a_server_did_not_answer_to_is_written_down_once():
    tally, store = WaitTally(Objectives(), highest_first=True), LosesAnAnswer()
    tally.begun({}, {"routing_key": "default", "priority": 3}, NOW)
    with pytest.raises(ConnectionError):
        tally.write_down(store)
    tally.begun({}, {"routing_key": "default", "priority": 3}, NOW)
    tally.write_down(store)
    tally.write_down(store)

    (waits,) = read(store.waits([int(time.time() // 3600)]))
    assert waits.unknown == 2
