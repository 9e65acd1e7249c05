"""What beats fire and what they miss."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from beats_here import came_due, declare, leading, states, tick_until, waiting
from tasks_platform import every
from tasks_platform.queues import Priority, broker_priority
from tasks_platform.schedules import trigger
from tasks_platform.schedules.misfire import LONGEST
from tasks_platform.task.envelope import HEADER


@pytest.mark.checklist(50)
def test_every_moment_is_one_job_of_its_own_id_that_names_the_entry(app, start, client):
    entry = declare(when=every(seconds=1))
    beat = leading(start())
    tick_until(beat, lambda: len(waiting(client)) == 3)
    sent = waiting(client)

    moments = [datetime.fromisoformat(headers[HEADER]["moment"]) for headers in sent]
    assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(seconds=1)}
    assert [headers["id"] for headers in sent] == [entry.job_id(moment) for moment in moments]
    assert {headers[HEADER]["schedule"] for headers in sent} == {"clean-up"}
    assert [record["job_id"] for record in app.store.firings("clean-up", 3)] == [h["id"] for h in reversed(sent)]


def test_queue_priority_and_tenant_are_those_of_the_entry(app, start, client):
    entry = declare(when=every(hours=1), queue="nightly", priority="low", tenant="acme")
    beat = leading(start())
    came_due(app, entry, 1)
    key = f"nightly\x06\x16{broker_priority(Priority.LOW)}"
    tick_until(beat, lambda: client.llen(key) == 1)

    assert json.loads(client.lindex(key, 0))["headers"][HEADER]["tenant"] == "acme"


def test_a_new_entry_waits_for_its_first_moment(app, start, client):
    declare(when=every(days=1000))
    leading(start()).tick()

    assert (waiting(client), states(app)) == ([], {})


def test_one_that_is_triggered_is_sent_now_and_recorded(app, start, client):
    entry = declare()
    fired = trigger(app, entry)

    assert [headers["id"] for headers in waiting(client)] == [fired["job_id"]]
    assert app.store.firings("clean-up") == [fired]


@pytest.mark.parametrize(
    ("options", "fired"),
    [
        ({}, 1),
        ({"misfire": "skip", "grace": 0}, 0),
        ({"misfire": "skip", "grace": timedelta(days=2000)}, 1),
        ({"misfire": "all"}, 4),
        ({"misfire": "all", "at_most": 2}, 2),
    ],
)
def test_what_came_due_meanwhile_is_fired_or_missed_by_the_rule(app, start, client, options, fired):
    entry = declare(**options)
    beat = leading(start())
    overdue = came_due(app, entry, 4)
    tick_until(beat, lambda: len(states(app)) == 4)
    beat.tick()

    assert [datetime.fromisoformat(h[HEADER]["moment"]) for h in waiting(client)] == overdue[4 - fired :]
    assert Counter(states(app).values()) == Counter({"fired": fired, "missed": 4 - fired})


def test_it_is_said_why_a_moment_was_missed(app, start):
    entry = declare()
    beat = leading(start())
    came_due(app, entry, 2)
    tick_until(beat, lambda: len(states(app)) == 2)

    assert [record.get("reason") for record in app.store.firings("clean-up")] == [None, "no beat led then"]


def test_more_moments_than_are_decided_on_at_a_time_are_all_counted(app, start):
    entry = declare(when=every(hours=1))
    beat = leading(start())
    number = 2 * LONGEST + 10
    came_due(app, entry, number)
    tick_until(beat, lambda: app.store.count_firings("clean-up").get("fired"))

    assert app.store.count_firings("clean-up") == {"fired": 1, "missed": number - 1}
