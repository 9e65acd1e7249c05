"""What beats survive."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

from beats_here import QUEUE, came_due, declare, leading, messages, row, states, tick_until, waiting
from tasks_platform.schedules import trigger
from tasks_platform.schedules.firing import firing
from tasks_platform.schedules.row import Row


def test_a_moment_that_the_broker_does_not_take_is_tried_again(app, start, client):
    entry = declare()
    beat = leading(start())
    client.set(QUEUE, "no list")
    (moment,) = came_due(app, entry, 1)
    for _ in range(3):
        assert beat.tick() > 0
    assert list(states(app).values()) == ["sending"]
    client.delete(QUEUE)
    tick_until(beat, lambda: "fired" in states(app).values())

    assert [headers["id"] for headers in waiting(client)] == [entry.job_id(moment)]


def test_an_entry_that_cannot_be_sent_does_not_hold_up_the_others(app, start, client):
    stuck, other = declare("a", queue="stuck"), declare("b")
    beat = leading(start())
    client.set("stuck\x06\x163", "no list")
    came_due(app, stuck, 1)
    came_due(app, other, 1)
    tick_until(beat, lambda: "fired" in states(app, "b").values())

    assert list(states(app, "a").values()) == ["sending"]


def test_a_job_that_is_refused_for_good_is_recorded_and_the_entry_goes_on(app, start, client):
    entry = declare()
    beat = leading(start())
    beat._entries = {"clean-up": replace(entry, args=["no number"])}
    came_due(app, entry, 1)
    tick_until(beat, lambda: states(app))

    (record,) = app.store.firings("clean-up")
    assert (record["state"], record["reason"].partition(":")[0]) == ("refused", "PayloadError")
    assert row(app).due_at > datetime.now(UTC)
    assert waiting(client) == []


def test_a_table_that_comes_back_empty_is_written_again_and_goes_on(app, start, client):
    entry = declare()
    beat = leading(start())
    came_due(app, entry, 1)
    tick_until(beat, lambda: "fired" in states(app).values())
    client.flushall()
    tick_until(beat, lambda: client.exists(Row.generate_key(app, "clean-up")))

    assert row(app).due_at > datetime.now(UTC)
    beat.tick()
    assert waiting(client) == []


def test_a_row_that_is_lost_alone_is_written_again(app, start, client):
    entry = declare()
    beat = leading(start())
    came_due(app, entry, 1)
    client.delete(Row.generate_key(app, "clean-up"))
    tick_until(beat, lambda: client.exists(Row.generate_key(app, "clean-up")))

    assert row(app).entry == entry


def test_a_row_that_is_lost_when_its_beat_dies_goes_on_where_the_history_ends(app, start, client):
    entry = declare()
    beat = leading(start())
    dealt_with = came_due(app, entry, 3)[:2]
    for moment, state in zip(dealt_with, ("missed", "fired"), strict=True):
        app.store.record_firings("clean-up", [firing(moment, state)], 200)
    trigger(app, entry)
    beat.close()
    client.delete(Row.generate_key(app, "clean-up"))
    beat = leading(start())
    tick_until(beat, lambda: row(app).due_at > datetime.now(UTC))

    assert app.store.count_firings("clean-up") == {"missed": 1, "fired": 3}


def test_a_row_that_is_lost_while_its_moment_was_sent_sends_that_moment(app, start, client):
    entry = declare()
    beat = leading(start())
    begun, later = came_due(app, entry, 2)
    app.store.claim_firing("clean-up", firing(begun, "sending"), beat._leadership.lock)
    app.store.record_firings("clean-up", [firing(later, "missed")], 200)
    beat.close()
    client.delete(Row.generate_key(app, "clean-up"))
    tick_until(leading(start()), lambda: "sending" not in states(app).values())

    assert [headers["id"] for headers in waiting(client)] == [entry.job_id(begun)]


def test_what_somebody_writes_into_the_table_is_not_sent(app, start, client):
    entry = declare()
    beat = leading(start())
    key = Row.generate_key(app, "clean-up")
    changed = {**json.loads(client.hget(key, "definition")), "args": [666], "options": {"queue": "theirs"}}
    client.hset(key, "definition", json.dumps(changed))
    planted = Row.generate_key(app, "planted")
    client.hset(planted, mapping=client.hgetall(key))
    client.zadd(app.redbeat_conf.schedule_key, {planted: 1.0})
    (moment,) = came_due(app, entry, 1)
    tick_until(beat, lambda: "fired" in states(app).values())
    beat.tick()

    (message,) = messages(client)
    assert message["headers"]["id"] == entry.job_id(moment)
    assert json.loads(base64.b64decode(message["body"]))[0] == list(entry.args)
    assert client.exists("theirs\x06\x163") == 0
    assert row(app).entry == entry


def test_a_row_that_cannot_be_read_goes_on_where_the_history_ends(app, start, client):
    entry = declare()
    beat = leading(start())
    came_due(app, entry, 1)
    key = Row.generate_key(app, "clean-up")
    client.hset(key, "meta", '{"last_run_at": {"__type__": "datetime", "year": -1}}')
    tick_until(beat, lambda: b'"year": -1' not in client.hget(key, "meta"))

    assert row(app).due_at > datetime.now(UTC)


def test_a_row_of_another_version_is_replaced(app, start, client):
    entry = declare()
    leading(start()).close()
    key = Row.generate_key(app, "clean-up")
    client.hset(key, "definition", json.dumps({**json.loads(client.hget(key, "definition")), "schedule": {}}))
    leading(start())

    assert Row.from_key(key, app=app).entry == entry
