from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab
from cronsim import CronSim
from hypothesis import example
from hypothesis import strategies as st

from property_tests import given, settings
from tasks_platform.schedules import cron, every

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
#: The clocks jump from 02:00 to 03:00, and show 02:00 to 03:00 twice (Berlin), 01:00 to 02:00 (New York).
SPRING = {BERLIN: "2026-03-29T00:00", NEW_YORK: "2026-03-08T00:00"}
AUTUMN = {BERLIN: "2026-10-25T00:00", NEW_YORK: "2026-11-01T00:00"}


def shown(when, after: str, number: int) -> list[str]:
    """Return the next moments as the clocks of the entry's zone show them, after a time that these clocks show."""
    start = datetime.fromisoformat(after).replace(tzinfo=when.zone) - timedelta(seconds=1)
    return [moment.astimezone(when.zone).strftime("%d %H:%M %z") for moment in islice(when.after(start), number)]


@pytest.mark.checklist(51)
@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        ("30 2 * * *", BERLIN, SPRING, ["29 03:00 +0200", "30 02:30 +0200"]),
        ("30 2 * * *", BERLIN, AUTUMN, ["25 02:30 +0200", "26 02:30 +0100"]),
        ("0 30 2 * * *", BERLIN, SPRING, ["29 03:00 +0200", "30 02:30 +0200"]),
        ("0 30 2 * * *", BERLIN, AUTUMN, ["25 02:30 +0200", "26 02:30 +0100"]),
        ("0,30 2 * * *", BERLIN, SPRING, ["29 03:00 +0200", "30 02:00 +0200"]),
        ("0 2,3 * * *", BERLIN, SPRING, ["29 03:00 +0200", "30 02:00 +0200"]),
        ("0 2 * * *", BERLIN, SPRING, ["29 03:00 +0200", "30 02:00 +0200"]),
        ("0 3 * * *", BERLIN, SPRING, ["29 03:00 +0200", "30 03:00 +0200"]),
        ("0 3 * * *", BERLIN, AUTUMN, ["25 03:00 +0100", "26 03:00 +0100"]),
        ("0 * * * *", BERLIN, SPRING, ["29 00:00 +0100", "29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"]),
        ("0 * * * *", BERLIN, AUTUMN, ["25 00:00 +0200", "25 01:00 +0200", "25 02:00 +0200", "25 02:00 +0100"]),
        ("*/30 2 * * *", BERLIN, SPRING, ["30 02:00 +0200", "30 02:30 +0200"]),
        ("*/30 2 * * *", BERLIN, AUTUMN, ["25 02:00 +0200", "25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100"]),
        ("0 8 * * *", NEW_YORK, SPRING, ["08 08:00 -0400", "09 08:00 -0400"]),
        ("0 8 * * *", NEW_YORK, AUTUMN, ["01 08:00 -0500", "02 08:00 -0500"]),
        ("30 2 * * *", NEW_YORK, SPRING, ["08 03:00 -0400", "09 02:30 -0400"]),
        ("30 1 * * *", NEW_YORK, AUTUMN, ["01 01:30 -0400", "02 01:30 -0500"]),
        ("*/30 * * * *", NEW_YORK, AUTUMN, ["01 00:00 -0400", "01 00:30 -0400", "01 01:00 -0400", "01 01:30 -0400"]),
        ("15,45 * * * *", NEW_YORK, AUTUMN, ["01 00:15 -0400", "01 00:45 -0400", "01 01:15 -0400", "01 01:45 -0400"]),
    ],
)
def test_where_the_clocks_change(expression, zone, start, expected):
    assert shown(cron(expression, zone=zone), start[zone], len(expected)) == expected


@pytest.mark.checklist(49)
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 2 * * *", ["01 02:00:00", "02 02:00:00"]),
        ("*/15 * * * *", ["01 00:15:00", "01 00:30:00"]),
        ("0 9 * * 1", ["05 09:00:00", "12 09:00:00"]),
        ("0 9 * * MON", ["05 09:00:00", "12 09:00:00"]),
        ("0 0 1 * *", ["01 00:00:00", "01 00:00:00"]),
        ("0 0 2 * * *", ["01 02:00:00", "02 02:00:00"]),
        ("*/20 * * * * *", ["01 00:00:20", "01 00:00:40"]),
        ("30 */5 * * * *", ["01 00:00:30", "01 00:05:30"]),
        ("0 12 L * *", ["31 12:00:00", "28 12:00:00"]),
    ],
)
def test_expressions_of_five_fields_and_of_six_with_the_second_in_front(expression, expected):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = [moment.strftime("%d %H:%M:%S") for moment in islice(cron(expression).after(start), len(expected))]

    assert found == expected


def test_intervals_are_counted_from_one_moment_that_all_processes_know():
    start = datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC)

    assert [m.second for m in islice(every(seconds=2).after(start), 3)] == [2, 4, 6]
    assert next(every(minutes=15).after(start)) == datetime(2026, 1, 1, 12, 15, tzinfo=UTC)
    assert next(every(timedelta(days=1)).after(start)) == datetime(2026, 1, 2, tzinfo=UTC)


def test_a_moment_does_not_follow_itself():
    for when in (cron("0 2 * * *", zone=BERLIN), cron("*/15 * * * *", zone=NEW_YORK), every(seconds=2)):
        first, second = islice(when.after(datetime(2026, 1, 1, tzinfo=UTC)), 2)
        assert next(when.after(first)) == second


number = st.integers(0, 59).map(str)
minutes = st.one_of(number, st.sampled_from(["*", "*/7", "*/15", "10-50/20", "0,30,45"]))
hours = st.one_of(st.integers(0, 4).map(str), st.sampled_from(["*", "*/2", "1-3", "0,2", "23"]))
days = st.sampled_from(["*", "*", "*", "25", "1-9", "29", "*/2"])
zones = st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, "Africa/Casablanca", "Asia/Kathmandu", "UTC"])
#: Around a change of the clocks of each zone, and around none.
starts = st.builds(
    lambda day, second: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(seconds=second),
    st.sampled_from(["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2026-02-14", "2026-07-01"]),
    st.integers(0, 2 * 86400),
)
WINDOW = timedelta(days=2)


def within(when, start):
    return list(takewhile(lambda moment: moment <= start + WINDOW, when.after(start)))


@settings(max_examples=60)
@given(minute=minutes, hour=hours, day=days, zone=zones, start=starts)
@example(minute="*/30", hour="2", day="25", zone=BERLIN, start=datetime(2026, 10, 25, 0, 45, tzinfo=UTC))
def test_what_goes_by_elapsed_time_comes_whenever_the_clocks_show_it(minute, hour, day, zone, start):
    if not (minute.startswith("*") or hour.startswith("*")):
        minute = "*"
    expression = f"{minute} {hour} {day} * *"
    fields, tz = CronSim(expression, start), ZoneInfo(zone)
    expected = []
    moment = start.replace(second=0)
    while (moment := moment + timedelta(minutes=1)) <= start + WINDOW:
        clock = moment.astimezone(tz)
        if clock.minute in fields.minutes and clock.hour in fields.hours and fields.match_day(clock.date()):
            expected.append(moment)

    assert within(cron(expression, zone=zone), start) == expected


@settings(max_examples=100)
@given(minute=number, hour=hours.filter(lambda hour: hour[0] != "*"), day=days, zone=zones, start=starts)
def test_what_goes_by_the_clock_agrees_with_debians_rule_as_another_library_has_it(minute, hour, day, zone, start):
    expression = f"{minute} {hour} {day} * *"
    other = takewhile(lambda moment: moment <= start + WINDOW, CronSim(expression, start.astimezone(ZoneInfo(zone))))
    expected = sorted({moment.astimezone(UTC) for moment in other} - {start})

    assert within(cron(expression, zone=zone), start) == [moment for moment in expected if moment > start]
    assert within(cron(f"0 {expression}", zone=zone), start) == within(cron(expression, zone=zone), start)


@settings(max_examples=60)
@given(minute=minutes, hour=hours, month=st.sampled_from(["*", "2", "*/5", "11"]), start=starts)
def test_where_the_clocks_never_change_celery_agrees(minute, hour, month, start):
    start = start.replace(tzinfo=UTC)
    celerys = crontab(minute=minute, hour=hour, month_of_year=month, nowfun=lambda: start)
    expected = start + celerys.remaining_estimate(start)

    assert next(cron(f"{minute} {hour} * {month} *").after(start)) == expected
