from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tasks_platform.errors import BooksError
from tasks_platform.services.books.toggl import EntryRow, RowError
from toggl_export import CLASSIC, GOOD, changed, entry, read, read_row, row_at, utc


@pytest.mark.parametrize(
    ("date", "time", "options", "expected"),
    [
        ("2026-10-05", "09:00:00", {}, "2026-10-05T07:00"),
        ("05.10.2026", "09:00:00", {}, "2026-10-05T07:00"),
        ("05/10/2026", "09:00:00", {"dates": "DMY"}, "2026-10-05T07:00"),
        ("10/05/2026", "09:00:00", {"dates": "MDY"}, "2026-10-05T07:00"),
        ("10-05-2026", "09:00:00", {"dates": "MDY"}, "2026-10-05T07:00"),
        ("2026-10-05", "9:00:00 AM", {}, "2026-10-05T07:00"),
        ("2026-10-05", "12:00:00 am", {}, "2026-10-04T22:00"),
        ("2026-10-05", "12:30 PM", {}, "2026-10-05T10:30"),
        ("2026-10-05", "09:00:00", {"zone": ZoneInfo("America/New_York")}, "2026-10-05T13:00"),
    ],
)
def test_dates_and_times_are_read_as_they_are_written(date, time, options, expected):
    header = "User,Client,Project,Billable,Start date,Start time,Duration"
    assert utc(expected) == entry(f"Ana,,,No,{date},{time},1:00:00", header, **options).start


@pytest.mark.parametrize("date", ["05/10/2026", "31/10/2026", "10-31-2026"])
def test_a_date_that_can_be_read_in_two_ways_is_refused_and_the_option_named(date):
    with pytest.raises(BooksError, match=r"can be read in two ways.*`dates`.*DMY.*MDY"):
        read(f"{CLASSIC}\n{changed('Start date', date)}\n")


def test_one_date_of_another_order_is_an_error_of_its_row_alone():
    found = read(f"{CLASSIC}\n{changed('Start date', '05/10/2026')}\n{GOOD}\n")
    assert [RowError, EntryRow] == [type(row) for row in found]


def test_a_day_first_date_is_not_guessed_to_be_month_first_when_the_day_is_large():
    found = read_row(changed("Start date", "31/10/2026"), dates="MDY")
    assert isinstance(found, RowError)
    assert found.reason == "is no day of the calendar, read in the order MDY"


@pytest.mark.parametrize(
    ("duration", "end_date", "end_time", "seconds"),
    [
        ("01:30:00", "2026-10-05", "10:30:00", 5400),
        ("26:00:01", "2026-10-06", "11:00:01", 93601),
        ("18:25 min", "2026-10-05", "09:18:25", 1105),
        ("59 sec", "2026-10-05", "09:00:59", 59),
        ("0:00:00", "2026-10-05", "09:00:00", 0),
    ],
)
def test_durations_of_the_formats_improved_and_classic_are_exact(duration, end_date, end_time, seconds):
    row = f"Ana,a@x.example,Acme,Web,,Review,Yes,2026-10-05,09:00:00,{end_date},{end_time},{duration},"
    assert seconds == entry(row).seconds


@pytest.mark.parametrize(
    ("start", "end", "duration", "expected_start", "expected_end"),
    [
        # Clocks went from 03:00 CEST back to 02:00 CET: 02:45 was shown twice.
        ("2026-10-25 01:30:00", "2026-10-25 02:45:00", "1:15:00", "2026-10-24T23:30", "2026-10-25T00:45"),
        ("2026-10-25 01:30:00", "2026-10-25 02:45:00", "2:15:00", "2026-10-24T23:30", "2026-10-25T01:45"),
        ("2026-10-25 02:45:00", "2026-10-25 02:15:00", "0:30:00", "2026-10-25T00:45", "2026-10-25T01:15"),
        ("2026-10-25 02:10:00", "2026-10-25 02:40:00", "0:30:00", "2026-10-25T00:10", "2026-10-25T00:40"),
        ("2026-10-25 00:30:00", "2026-10-25 04:30:00", "5:00:00", "2026-10-24T22:30", "2026-10-25T03:30"),
        # Clocks went from 02:00 CET on to 03:00 CEST.
        ("2026-03-29 01:30:00", "2026-03-29 03:30:00", "1:00:00", "2026-03-29T00:30", "2026-03-29T01:30"),
    ],
)
def test_a_clock_time_that_was_shown_twice_is_told_by_the_duration(start, end, duration, expected_start, expected_end):
    found = entry(row_at(start, end, duration))
    assert (utc(expected_start), utc(expected_end)) == (found.start, found.end)


def test_a_clock_time_that_was_never_shown_is_an_error():
    error = read_row(row_at("2026-03-29 02:30:00", "2026-03-29 03:30:00", "1:00:00"))
    assert isinstance(error, RowError)
    assert error.column == "Start time"
    assert "Europe/Berlin skipped on 2026-03-29" in error.reason


def test_a_rounded_report_is_refused_row_by_row_unless_it_is_said_to_be_one():
    row = row_at("2026-10-05 14:51:41", "2026-10-05 16:26:15", "1:30:00")
    error = read_row(row)
    assert isinstance(error, RowError)
    assert "`rounded`" in error.reason
    assert entry(row, rounded=True).seconds == 5400


def test_clock_times_without_seconds_allow_a_duration_that_is_off_by_less_than_a_minute():
    assert entry(row_at("2026-10-05 09:00", "2026-10-05 10:30", "1:29:13")).seconds == 5353
    assert isinstance(read_row(row_at("2026-10-05 09:00", "2026-10-05 10:30", "1:29:00")), RowError)
