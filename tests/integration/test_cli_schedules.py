"""``tasks-platform schedules``: what it prints, and how it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from command_line import call, refusal


@pytest.fixture(autouse=True)
def environment(redis_url, monkeypatch):
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
    assert line.rstrip().endswith(" 08:00:00")
    assert datetime.fromisoformat(listed()["report"]["next"]) > datetime.now(UTC)


def test_an_entry_that_the_settings_switch_off_is_listed_as_off():
    assert (listed()["sync"]["state"], listed(TASKS_SCHEDULES__OFF="sync")["sync"]["state"]) == ("on", "off")
    assert listed(TASKS_SCHEDULES__OFF="sync")["sync"]["next"] is None
    assert "did you mean 'sync'" in refusal(call("schedules", "list", TASKS_SCHEDULES__OFF="synk"))


def test_the_next_moments_of_an_entry_are_shown():
    moments = json.loads(call("schedules", "next", "sync", "--count", "3", "--json").output)
    output = call("schedules", "next", "clean-up").output

    assert [datetime.fromisoformat(moment).minute % 15 for moment in moments] == [0, 0, 0]
    assert "clean-up: at 02:00" in output
    assert output.count(" 02:00:00 +0") == 5


def test_a_name_that_there_is_not_is_refused_with_what_was_meant():
    assert "did you mean 'clean-up'" in refusal(call("schedules", "next", "cleanup"))
