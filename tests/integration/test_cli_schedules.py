"""``tasks-platform schedules``: what it prints, and how it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from acceptance import scheduled
from acceptance.closing import close
from command_line import call, refusal
from tasks_platform import Settings, create_app, every
from tasks_platform.schedules import Entry, table
from tasks_platform.schedules.beats import Identity
from tasks_platform.schedules.row import open_table
from tasks_platform.schedules.rows import Rows
from tasks_platform.store import RedisStore

#: What this process declares is seen by every test that asks, so that it is taken back.
OURS = {name: table._declared.pop(name) for name in scheduled.NAMES}


@pytest.fixture(autouse=True)
def environment(redis_url, monkeypatch):
    monkeypatch.setattr(table, "_declared", OURS)
    monkeypatch.setenv("TASKS_REDIS_URL", redis_url)
    monkeypatch.setenv("TASKS_MODULES", "acceptance.scheduled")
    monkeypatch.setenv("TASKS_BUSINESS", "false")


def listed(**variables) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(call("schedules", "list", "--json", **variables).output)}


@pytest.mark.checklist(50, 51)
def test_entries_are_listed_with_their_next_moment_in_utc_and_on_their_clocks():
    output = call("schedules", "list", columns=110).output

    (line,) = [line for line in output.splitlines() if line.startswith("report")]
    assert "at 08:00" in line
    assert "America/New_York" in line
    assert " 08:00:00 " in line
    assert datetime.fromisoformat(listed()["report"]["next"]) > datetime.now(UTC)


def test_an_entry_that_the_settings_switch_off_is_listed_as_off():
    assert (listed()["sync"]["state"], listed(TASKS_SCHEDULES__OFF="sync")["sync"]["state"]) == (
        "waits",
        "off",
    )
    assert listed(TASKS_SCHEDULES__OFF="sync")["sync"]["next"] is None
    assert "did you mean 'sync'" in refusal(call("schedules", "list", TASKS_SCHEDULES__OFF="synk"))


def test_the_next_moments_of_an_entry_are_shown():
    moments = json.loads(call("schedules", "next", "sync", "--count", "3", "--json").output)
    output = call("schedules", "next", "clean-up").output

    assert [datetime.fromisoformat(moment).minute % 15 for moment in moments] == [0, 0, 0]
    assert "clean-up: at 02:00" in output
    assert output.count(" 02:00:00 +0") == 5


def test_one_that_is_triggered_is_sent_now_and_shown_with_its_job(redis_db):
    fired = json.loads(call("schedules", "trigger", "report", "--json").output)
    listing = call("schedules", "list", columns=200).output

    assert redis_db.llen("default\x06\x163") == 1
    assert fired["job_id"].startswith("schedule:report:")
    assert fired["job_id"] in listing
    assert "No beat is alive" in listing
    assert (listed()["report"]["fired"], listed()["report"]["last"]) == (1, fired)
    assert fired["job_id"] in call("schedules", "history", "report", columns=150).output
    assert json.loads(call("schedules", "history", "report", "--json").output) == [fired]


def test_one_that_no_module_here_declares_is_listed_and_not_triggered(redis_db, redis_url):
    with create_app(Settings(redis_url=redis_url, business=False)) as app:
        open_table(app)
        entry = Entry(name="planted", when=every(days=1), task="acceptance.scheduled.report", args=["theirs"])
        app.store.lead("x", 100, renew=False)
        Rows(app).write(entry, datetime.now(UTC), "x")
        app.redbeat_redis.close()
        app.store.client.close()
        close(app)

    assert listed()["planted"]["state"] == "elsewhere"
    assert "TASKS_MODULES" in refusal(call("schedules", "trigger", "planted"))
    assert redis_db.llen("default\x06\x163") == 0


def test_what_was_missed_is_counted_and_shown_with_the_reason(redis_url):
    store = RedisStore(redis_url)
    missed = {
        "moment": "2026-01-01T02:00:00Z",
        "state": "missed",
        "at": "2026-01-01T05:00:00Z",
        "reason": "no beat led",
    }
    store.record_firings("clean-up", [missed], 100)
    store.show_beat("x", Identity(host="box", pid=7).tell(leads=True, since=datetime.now(UTC), ticked_at=None), 100)
    history = call("schedules", "history", "clean-up").output

    assert "0 fired, 1 missed" in history
    assert "no beat led" in history
    assert listed()["clean-up"]["missed"] == 1
    assert "beat@box:7 leads since" in call("schedules", "list").output
    assert [beat["leads"] for beat in json.loads(call("schedules", "beats", "--json").output)] == [True]
    assert "beat@box:7 leads since" in call("schedules", "beats").output
    store.client.close()


def test_an_installation_whose_schedule_nobody_fires_is_ill(redis_url):
    def look():
        (check,) = json.loads(call("health", "--only", "beat", "--json").stdout)["checks"]
        return check["healthy"], check["message"]

    assert look() == (False, "there is no beat to fire 3 schedules: start celery -A tasks_platform beat")
    store = RedisStore(redis_url)
    now = datetime.now(UTC)
    store.show_beat("x", Identity(host="box", pid=7).tell(leads=True, since=now, ticked_at=now), 100)
    assert look() == (True, "beat@box:7 fires 3 schedules, 0 more stand by")
    store.client.close()


def test_a_name_that_there_is_not_is_refused_with_what_was_meant():
    assert "did you mean 'clean-up'" in refusal(call("schedules", "next", "cleanup"))
