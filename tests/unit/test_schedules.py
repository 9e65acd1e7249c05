from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tasks_platform import ReliableTask, Sealed, Settings, create_app, cron, every, schedule, task
from tasks_platform.errors import ScheduleError
from tasks_platform.schedules import Misfire, declared_entries, table
from tasks_platform.schedules.when import when_of
from tasks_platform.tasks.invoicing import bill_last_month

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@task(base=ReliableTask)
def clean_up(older_than: timedelta, *, dry_run: bool = False) -> int:
    return 0


@task(base=ReliableTask)
def greet(password: Sealed[str]) -> None: ...


@pytest.fixture(scope="module", autouse=True)
def app():
    """Assemble an application whose server nobody listens at: declaring an entry needs none."""
    with create_app(Settings(redis_url="redis://127.0.0.1:1/0", business=False)) as app:
        yield app


@pytest.fixture(autouse=True)
def nothing_declared(monkeypatch):
    monkeypatch.setattr(table, "_declared", {})
    monkeypatch.setattr(table, "_begun", set())


class TestDeclaring:
    @pytest.mark.checklist(50, 51)
    def test_an_entry_has_a_name_a_zone_and_arguments_as_a_message_carries_them(self):
        when = cron("0 2 * * *", zone="Europe/Berlin")
        schedule("clean-up", when, priority="low", queue="nightly", tenant="acme").runs(clean_up, timedelta(hours=1))
        (entry,) = declared_entries()[0].values()

        assert (entry.name, entry.task, entry.when.zone) == ("clean-up", clean_up.name, ZoneInfo("Europe/Berlin"))
        assert (entry.args, entry.kwargs) == (["PT1H"], {})
        assert entry.options == {"queue": "nightly", "priority": "low", "tenant": "acme"}

    def test_the_job_of_a_moment_has_one_id(self):
        schedule("clean-up", every(seconds=2)).runs(clean_up, timedelta(hours=1))
        entry = declared_entries()[0]["clean-up"]

        assert entry.job_id(NOW) == "schedule:clean-up:2026-01-01T12:00:00Z"
        assert entry.job_id(NOW.astimezone(ZoneInfo("America/New_York"))) == entry.job_id(NOW)

    def test_arguments_that_do_not_fit_the_task_are_refused(self):
        with pytest.raises(ScheduleError, match=r"clean-up.*dryrun"):
            schedule("clean-up", every(days=1)).runs(clean_up, timedelta(hours=1), dryrun=True)
        with pytest.raises(ScheduleError, match="older_than"):
            schedule("clean-up", every(days=1)).runs(clean_up)

    def test_a_secret_has_no_place_in_code(self):
        with pytest.raises(ScheduleError, match="takes a sealed argument") as refused:
            schedule("greet", every(days=1)).runs(greet, "hunter2")
        assert "hunter2" not in str(refused.value)

    def test_what_is_no_task_is_refused(self):
        with pytest.raises(ScheduleError, match="declare it with @task"):
            schedule("clean-up", every(days=1)).runs(print)

    def test_two_entries_of_one_name_are_refused_and_the_same_one_again_is_not(self):
        for _ in range(2):
            schedule("clean-up", every(days=1)).runs(clean_up, timedelta(hours=1))

        with pytest.raises(ScheduleError, match="two schedules of the name 'clean-up'"):
            schedule("clean-up", every(days=1)).runs(clean_up, timedelta(hours=2))
        assert len(declared_entries()[0]) == 1

    def test_an_entry_that_runs_nothing_is_refused_when_the_table_is_read(self):
        schedule("clean-up", every(days=1))

        with pytest.raises(ScheduleError, match=r"clean-up.*add \.runs"):
            declared_entries()

    @pytest.mark.parametrize(
        ("declare", "told"),
        [
            (lambda: cron("0 2 * * *", zone="Europe/Berln"), "did you mean 'Europe/Berlin'"),
            (lambda: cron("61 * * * *"), "bad minute"),
            (lambda: cron("0 2 * *"), "number of fields"),
            (every, "too often"),
            (lambda: every(seconds=0.5), "too often"),
            (lambda: schedule("clean up", every(days=1)), "letters"),
            (lambda: schedule("clean-up", every(days=1), misfire="onse"), "did you mean 'once'"),
            (lambda: schedule("clean-up", every(days=1), priority="hihg"), "the levels are"),
            (lambda: schedule("clean-up", every(days=1), grace=5), "grace is for misfire='skip'"),
            (lambda: schedule("clean-up", every(days=1), misfire="skip", at_most=5), "at_most is for misfire='all'"),
            (lambda: schedule("clean-up", every(days=1), misfire="all", at_most=0), "between 1 and"),
        ],
    )
    def test_what_is_misspelt_or_contradicts_itself_is_refused(self, declare, told):
        with pytest.raises(ScheduleError, match=told):
            declare()


class TestSwitchingOff:
    def test_an_entry_that_the_settings_name_is_off(self):
        schedule("clean-up", every(days=1)).runs(clean_up, timedelta(hours=1))
        schedule("report", every(days=1)).runs(clean_up, timedelta(hours=2))
        off = Settings(schedules={"off": " clean-up,"}).schedules.switched_off
        on, others = declared_entries(off)

        assert (list(on), list(others)) == (["report"], ["clean-up"])

    def test_those_of_the_shipped_modules_are_off_with_their_modules(self):
        schedule("billing", every(days=1)).runs(bill_last_month)

        assert declared_entries(business=False) == ({}, {})
        assert list(declared_entries()[0]) == ["billing"]

    def test_a_name_that_there_is_not_is_refused_with_what_was_meant(self):
        schedule("clean-up", every(days=1)).runs(clean_up, timedelta(hours=1))

        with pytest.raises(ScheduleError, match="did you mean 'clean-up'"):
            declared_entries({"cleanup"})


class TestWords:
    @pytest.mark.parametrize(
        ("when", "words"),
        [
            (cron("0 2 * * *"), "at 02:00"),
            (cron("*/15 * * * *"), "every 15 minutes"),
            (cron("0 9 * * 1"), "at 09:00, only on Monday"),
            (cron("*/5 * * * * *"), "every 5 seconds"),
            (every(hours=1), "every hour"),
            (every(minutes=90), "every 90 minutes"),
            (every(seconds=2), "every 2 seconds"),
            (every(seconds=2.5), "every 2.5 seconds"),
        ],
    )
    def test_a_schedule_says_what_it_is(self, when, words):
        assert when.words == words

    @pytest.mark.parametrize("when", [cron("0  2 * * *", zone="America/New_York"), every(days=1), every(seconds=1.5)])
    def test_what_is_written_down_is_read_as_the_same(self, when):
        assert when_of(when.definition) == when

    def test_a_kind_of_a_later_version_is_refused(self):
        with pytest.raises(ScheduleError, match="'tide'"):
            when_of({"kind": "tide"})


class TestMisfire:
    overdue = tuple(NOW + timedelta(seconds=2 * n) for n in range(4))

    @pytest.mark.parametrize(
        ("misfire", "late", "fired"),
        [
            (Misfire(), 1, 1),
            (Misfire(), 86400, 1),
            (Misfire(rule="skip"), 1, 1),
            (Misfire(rule="skip"), 61, 0),
            (Misfire(rule="skip", grace=timedelta(minutes=5)), 61, 1),
            (Misfire(rule="all"), 86400, 4),
            (Misfire(rule="all", at_most=3), 86400, 3),
        ],
    )
    def test_the_last_moments_are_fired_as_the_rule_says(self, misfire, late, fired):
        now = self.overdue[-1] + timedelta(seconds=late)

        assert list(misfire.to_fire(self.overdue, now)) == list(self.overdue[len(self.overdue) - fired :])
