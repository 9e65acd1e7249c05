"""How long a schedule is without a leader, on a clock that only moves when a beat waits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tasks_platform.schedules import leadership
from tasks_platform.schedules.beats import Identity
from tasks_platform.schedules.leadership import Leadership
from tasks_platform.settings import Schedules
from tasks_platform.store import MemoryStore

LEASE = Schedules().lease.total_seconds()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(leadership, "time", SimpleNamespace(monotonic=clock))
    return clock


class Waiting:
    """What a beat waits on between two looks, until it leads or has waited for too long."""

    def __init__(self, clock: Clock, beat: Leadership, at_most: float) -> None:
        self.clock, self.beat, self.until = clock, beat, clock.now + at_most

    def is_set(self) -> bool:
        return self.beat.held or self.clock.now >= self.until

    def wait(self, seconds: float) -> None:
        self.clock.now += 0 if self.is_set() else seconds


@pytest.mark.checklist(54)
@pytest.mark.parametrize("lease", [1.0, LEASE, 8.0])
@pytest.mark.parametrize("asked", [0.0, 0.3, 0.49])
def test_a_beat_that_stands_by_leads_half_a_second_after_the_lease_of_a_dead_leader(clock, monkeypatch, lease, asked):
    store = MemoryStore(clock)
    leader, other = (Leadership(store, Identity(pid=pid), lease) for pid in (1, 2))
    leader.ask()
    died = clock.now
    clock.now += asked
    other.ask()
    assert (leader.held, other.held) == (True, False)
    monkeypatch.setattr(other, "_ending", Waiting(clock, other, 60.0))
    other._keep_asking()

    assert other.held
    assert clock.now - died <= lease + 0.501


def test_with_the_lease_that_beats_have_it_is_less_than_ten_seconds():
    assert LEASE + 0.5 < 10


def test_a_leader_whose_store_is_silent_stops_leading_before_another_can(clock):
    store = MemoryStore(clock)
    leader, other = (Leadership(store, Identity(pid=pid), LEASE) for pid in (1, 2))
    leader.ask()
    while leader.held:
        other.ask()
        assert not other.held
        clock.now += 0.1
    clock.now += 0.1
    other.ask()

    assert other.held
