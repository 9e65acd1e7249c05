"""Which of several beats fires the schedule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from beats_here import LEADER, came_due, declare, freeze, leading, row, states, tick_until, waiting
from redis_server import running_redis
from tasks_platform.schedules import beats
from tasks_platform.schedules.beats import Identity
from tasks_platform.schedules.install import install
from tasks_platform.schedules.leadership import Leadership, NotLeadingError
from tasks_platform.store import RedisStore
from tasks_platform.store.redis import connect
from waiting import wait_for


@pytest.mark.checklist(54)
def test_one_beat_fires_and_another_takes_over_at_once_when_it_ends(app, start, client):
    entry = declare()
    first, second = leading(start()), start()
    second.tick()
    wait_for(lambda: len(beats(app.store)) == 2)
    assert [beat.leads for beat in beats(app.store)] == [True, False]
    came_due(app, entry, 1)
    assert second.tick() > 0
    assert states(app) == {}
    first.close()
    tick_until(second, lambda: "fired" in states(app).values())

    assert [beat.leads for beat in beats(app.store)] == [True]
    assert len(waiting(client)) == 1


def test_a_lock_that_was_lost_is_taken_again(app, start):
    beat = leading(start())
    app.store.client.delete(LEADER)
    wait_for(lambda: app.store.client.get(LEADER) == beat._leadership.lock is not None)

    assert beat._leadership.term == 2


def test_a_beat_that_does_not_know_yet_that_another_one_leads_fires_nothing(app, start, client):
    entry = declare()
    frozen = leading(start())
    lock = freeze(frozen)
    came_due(app, entry, 1)
    app.store.abdicate(lock)
    app.store.lead("another", 1000, renew=False)
    assert frozen._leadership.held
    frozen.tick()

    assert not frozen._leadership.held
    assert (waiting(client), states(app)) == ([], {})


@pytest.mark.parametrize("leads", ["nobody", "another", "it again"])
def test_what_a_beat_began_in_a_term_that_is_over_changes_nothing(app, start, client, leads):
    entry = declare()
    frozen = leading(start())
    overdue = came_due(app, entry, 3)
    lock, last = freeze(frozen), frozen._rows.last(entry.name)
    app.store.abdicate(lock)
    another = leading(start())
    tick_until(another, lambda: row(app).last_run_at == overdue[-1])
    another.close()
    client.delete("tasks-platform:firings:clean-up", "tasks-platform:firing-moments:clean-up")  # so long ago
    if leads == "another":
        app.store.lead("another", 1000, renew=False)
    if leads == "it again":
        frozen._leadership._ending.clear()
        frozen._leadership.ask()
        frozen._leadership.ask()
        assert frozen._leadership.lock not in {None, lock}
    settling = frozen._settling(lock)
    for step in (
        lambda: settling.settle(entry, last),
        lambda: settling.rows.write(replace(entry, args=[7]), last, lock),
        lambda: install(settling, {}, {}, {}),
    ):
        with pytest.raises(NotLeadingError):
            step()

    assert (row(app).entry, row(app).last_run_at) == (entry, overdue[-1])
    assert app.store.count_firings("clean-up") == {"fired": 1, "missed": 2}
    assert states(app) == {}
    assert len(waiting(client)) == 1


def test_a_beat_goes_on_asking_whatever_goes_wrong_when_it_asks(app, start, monkeypatch):
    beat = start()
    lead = beat._leadership._store.lead
    bugs = [ZeroDivisionError("a bug"), KeyError("another")]

    def lead_at_the_third_time(*args, **options):
        if bugs:
            raise bugs.pop()
        return lead(*args, **options)

    monkeypatch.setattr(beat._leadership._store, "lead", lead_at_the_third_time)
    leading(beat)


def test_a_beat_whose_server_does_not_answer_stops_leading_when_its_lease_is_over(tmp_path):
    with running_redis(tmp_path) as server:
        store = RedisStore(server.url)
        store.client = connect(server.url, patience=0)
        leadership = Leadership(store, Identity(), 1.0)
        leadership.ask()
        assert leadership.held
    leadership.start()

    wait_for(lambda: not leadership.held, 5)
    leadership.end()
