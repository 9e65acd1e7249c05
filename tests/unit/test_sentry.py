from __future__ import annotations

import pytest
from sentry_sdk._types import AnnotatedValue

from tasks_platform import cron, every
from tasks_platform.errors import SettingsError
from tasks_platform.observe.sentry.checkins import monitor_config, slug
from tasks_platform.observe.sentry.scrubbing import NameScrubber
from tasks_platform.settings import load_settings


@pytest.mark.parametrize(
    ("when", "schedule"),
    [
        (cron("0 2 * * 1"), {"type": "crontab", "value": "0 2 * * 1"}),
        (every(minutes=15), {"type": "interval", "value": 15, "unit": "minute"}),
        (every(days=1), {"type": "interval", "value": 1440, "unit": "minute"}),
    ],
)
def test_a_monitor_says_when_its_job_is_due(when, schedule):
    config = monitor_config(when)

    assert config is not None
    assert config["schedule"] == schedule


def test_a_monitor_of_a_cron_entry_has_its_zone():
    config = monitor_config(cron("0 8 * * *", zone="America/New_York"))

    assert config is not None
    assert config["timezone"] == "America/New_York"


@pytest.mark.parametrize("when", [every(seconds=30), every(seconds=90), cron("*/5 * * * * *")])
def test_what_is_no_matter_of_minutes_has_no_monitor(when):
    assert monitor_config(when) is None


def test_a_name_that_sentry_allows_is_kept():
    assert slug("clean-up_daily") == "clean-up_daily"


@pytest.mark.parametrize("name", ["Report:acme", "report:acme", "report.acme", "r" * 51, "r" * 80])
def test_any_other_name_becomes_one_that_is_its_own(name):
    assert slug(name) not in {slug(other) for other in ("report-acme", "report acme", "r" * 50)}
    assert len(slug(name)) <= 50
    assert set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    "name", ["password", "new_password", "API_TOKEN", "client-secret", "Authorization", "passwd", "sessionid"]
)
def test_what_is_called_a_secret_is_hidden_wherever_it_stands(name):
    event = {
        "extra": {"order": {"parts": [{name: "x0-planted", "size": 7}]}},
        "contexts": {"login": {name: "x0-planted", "size": 7}},
        "breadcrumbs": {"values": [{"data": {name: "x0-planted", "size": 7}}]},
    }
    NameScrubber().scrub_event(event)

    hidden = [
        event["extra"]["order"]["parts"][0],
        event["contexts"]["login"],
        event["breadcrumbs"]["values"][0]["data"],
    ]
    assert all(isinstance(part[name], AnnotatedValue) and part["size"] == 7 for part in hidden)


@pytest.mark.parametrize(
    "dsn", ["sentry.example", "https://sentry.example/1", "https://key@sentry.example/shop", "ftp://k@s/1"]
)
def test_an_address_that_is_no_dsn_is_told_at_once_and_not_shown(monkeypatch, dsn):
    monkeypatch.setenv("TASKS_SENTRY__DSN", dsn)

    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "TASKS_SENTRY__DSN" in str(caught.value)
    assert dsn not in str(caught.value)
