"""Another version of the platform declares something else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from beats_here import came_due, declare, leading, row, states, tick_until, waiting
from tasks_platform import every
from tasks_platform.schedules import table
from tasks_platform.schedules.misfire import LONGEST
from tasks_platform.settings import Schedules


@pytest.mark.checklist(52)
def test_an_entry_that_is_declared_no_more_is_gone_with_the_next_beat(app, start, client):
    gone = declare("gone")
    declare("stays")
    leading(start()).close()
    came_due(app, gone, 1)
    del table._declared["gone"]
    leading(start()).tick()

    assert [key.decode().rpartition(":")[2] for key in client.zrange(app.redbeat_conf.schedule_key, 0, -1)] == ["stays"]
    assert waiting(client) == []


def test_an_entry_that_is_switched_off_is_not_fired(app, start, client):
    entry = declare()
    declare("other")
    leading(start()).close()
    came_due(app, entry, 1)
    app.settings = app.settings.model_copy(update={"schedules": Schedules(off="clean-up")})
    leading(start()).tick()

    assert waiting(client) == []


def test_an_entry_that_stays_goes_on_where_it_was(app, start, client):
    entry = declare()
    leading(start()).close()
    (moment,) = came_due(app, entry, 1)
    tick_until(leading(start()), lambda: states(app))

    assert [headers["id"] for headers in waiting(client)] == [entry.job_id(moment)]


def test_an_entry_that_an_older_version_removes_in_passing_goes_on_where_it_was(app, start, client):
    entry = declare()
    leading(start()).close()
    came_due(app, entry, 3)
    newer = table._declared.pop("clean-up")
    leading(start()).close()
    assert client.zcard(app.redbeat_conf.schedule_key) == 0
    table._declared["clean-up"] = newer
    tick_until(leading(start()), lambda: len(states(app)) == 3)

    assert app.store.count_firings("clean-up") == {"missed": 2, "fired": 1}
    assert client.ttl(row(app).key) == -1


def test_an_entry_that_was_switched_off_begins_anew(app, start, client):
    entry = declare()
    leading(start()).close()
    came_due(app, entry, 3)
    on = app.settings
    app.settings = on.model_copy(update={"schedules": Schedules(off="clean-up")})
    leading(start()).close()
    app.settings = on
    leading(start()).tick()

    assert row(app).due_at > datetime.now(UTC)
    assert states(app) == {}


def test_new_times_begin_now_and_what_had_come_due_before_is_settled(app, start, client):
    entry = declare(when=every(hours=1))
    leading(start()).close()
    number = 2 * LONGEST + 10
    moment = came_due(app, entry, number)[-1]
    table._declared.clear()
    declare(when=every(days=999))
    leading(start()).tick()

    assert [headers["id"] for headers in waiting(client)] == [entry.job_id(moment)]
    assert app.store.count_firings("clean-up") == {"fired": 1, "missed": number - 1}
    assert row(app).due_at > datetime.now(UTC)
