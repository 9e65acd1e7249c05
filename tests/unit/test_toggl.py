from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_platform.services.books.names import plain_name
from tasks_platform.services.books.toggl import EntryRow, RowError, without_repeats
from toggl_export import CLASSIC, GOOD, PRESENT, changed, entry, read, read_row, utc


def test_a_row_of_the_classic_layout_becomes_an_entry():
    expected = EntryRow(
        row=2,
        user="Ana",
        email="ana@x.example",
        client="Acme",
        project="Web",
        task="",
        description="Review",
        billable=True,
        start=utc("2026-10-05T07:00"),
        end=utc("2026-10-05T08:30"),
        seconds=5400,
    )
    assert expected == entry(GOOD)


def test_a_row_of_the_present_layout_is_the_same_entry():
    row = "Review,Yes,1:30:00,Ana,ana@x.example,Acme,Web,-,2026-10-05,09:00:00,2026-10-05,10:30:00"
    assert entry(GOOD) == entry(row, PRESENT)
    assert entry(GOOD).key == entry(row, PRESENT).key


def test_columns_that_are_not_needed_may_be_missing_and_others_are_ignored():
    header = "Amount (USD),Billable,Client,Duration,Project,Start date,Start time,User"
    found = entry("12.00,No,,0:10:00,,2026-10-05,09:00:00,Ana", header)
    assert (utc("2026-10-05T07:00"), utc("2026-10-05T07:10"), "", "") == (
        found.start,
        found.end,
        found.email,
        found.task,
    )


def test_the_lone_dash_of_the_present_layout_is_empty():
    row = "-,No,1:00:00,Ana,ana@x.example,-,-,-,2026-10-05,09:00:00,2026-10-05,10:00:00"
    found = entry(row, PRESENT)
    assert (found.client, found.project, found.description) == ("", "", "")


def test_a_name_is_the_same_however_its_accents_are_encoded():
    composed, decomposed = changed("Client", "Cr\u00e9dit"), changed("Client", "Cre\u0301dit")
    assert entry(composed).key == entry(decomposed).key


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Start date", "2026-02-30", "is no day of the calendar"),
        ("Start date", "yesterday", "is no date in the order YMD"),
        ("Start date", "", "is no date"),
        ("Start time", "25:10:00", "is no time of day"),
        ("Start time", "13:00:00 PM", "is no time of day on a clock of 12 hours"),
        ("Start time", "nine", "is no time of day: 14:05:00 or 2:05:00 PM is expected"),
        ("End time", "08:59:59", "lies before the start"),
        ("Duration", "01:31:00", "does not match start and end, which are 1:30:00 apart"),
        ("Duration", "-01:30:00", "is negative"),
        ("Duration", "1.50 h", "is not exact: set the duration format of the Toggl profile to Improved"),
        ("Duration", "1:75:00", "minutes and seconds end at 59"),
        ("Duration", "1:30", "is no duration"),
        ("Billable", "maybe", "is neither Yes nor No"),
        ("Billable", "", "is neither Yes nor No"),
        ("Client", " ", "is empty: billable work needs a client and a project"),
        ("Project", "", "is empty: billable work needs a client and a project"),
    ],
)
def test_a_wrong_field_is_reported_with_row_column_reason_and_value(column, value, reason):
    before, error, after = read(f"{CLASSIC}\n{GOOD}\n{changed(column, value)}\n{GOOD}\n")
    assert isinstance(before, EntryRow)
    assert isinstance(after, EntryRow)
    assert isinstance(error, RowError)
    assert (error.row, error.column, error.value) == (3, column, value.strip())
    assert reason in error.reason


def test_an_end_on_the_day_before_the_start_is_an_error():
    error = read_row(changed("End date", "2026-10-04"))
    assert isinstance(error, RowError)
    assert (error.column, error.reason) == ("End time", "lies before the start")


def test_an_entry_that_still_runs_is_an_error():
    error = read_row("Ana,a@x.example,Acme,Web,,Review,Yes,2026-10-05,09:00:00,,,00:00:00,")
    assert isinstance(error, RowError)
    assert "still running" in error.reason


def test_work_of_nobody_is_an_error():
    error = read_row(GOOD.replace("Ana,ana@x.example", ","))
    assert isinstance(error, RowError)
    assert (error.column, error.reason) == ("User", "is empty: nobody did this work")


def test_work_that_is_not_billable_needs_no_client():
    found = entry("Ana,a@x.example,,,,Lunch,No,2026-10-05,09:00:00,2026-10-05,10:00:00,01:00:00,")
    assert (found.billable, found.client, found.project) == (False, "", "")


def test_a_long_wrong_value_is_shortened():
    error = read_row(changed("Billable", "x" * 10_000))
    assert isinstance(error, RowError)
    assert len(error.value) == 203


def test_an_identical_row_is_an_error_that_names_the_first():
    other = changed("Description", "Something else")
    found = list(without_repeats(read(f"{CLASSIC}\n{GOOD}\n{other}\n{GOOD}\n{GOOD},\n")))
    assert [EntryRow, EntryRow, RowError, RowError] == [type(row) for row in found]
    assert [(row.row, row.reason) for row in found[2:] if isinstance(row, RowError)] == [
        (4, "says the same as row 2: imported once"),
        (5, "14 fields where the header has 13"),
    ]


@pytest.mark.parametrize("column", ["Email", "Client", "Project", "Task", "Description", "Start time", "Duration"])
def test_rows_that_differ_in_what_is_billed_are_different_entries(column):
    options = {"rounded": True}
    value = {"Start time": "08:59:00", "Duration": "01:29:00"}.get(column, "other")
    assert entry(GOOD, **options).key != entry(changed(column, value), **options).key


def test_the_same_moment_exported_from_another_time_zone_is_the_same_entry():
    in_new_york = entry(GOOD.replace("09:00", "03:00").replace("10:30", "04:30"), zone=ZoneInfo("America/New_York"))
    assert entry(GOOD).key == in_new_york.key


def test_tags_and_the_name_behind_an_address_do_not_make_another_entry():
    assert entry(GOOD).key == entry(changed("User", "Ana Ruiz")).key == entry(changed("Tags", "remote")).key


# Text as people write it; csv.writer and the reader must agree on commas, quotes and line breaks. A lone dash is left
# out because the reader takes it for nothing.
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40).filter(
    lambda text: text.strip() != "-"
)
NAME = TEXT.filter(lambda text: text.strip() != "")
START = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as it asks
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham", "UTC")


@st.composite
def exported(draw: st.DrawFn) -> tuple[str, EntryRow, ZoneInfo]:
    """Return an export of one entry, the entry, and the time zone of the profile."""
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    start = draw(START).replace(microsecond=0)
    seconds = draw(st.integers(0, 200_000))
    written = EntryRow(
        row=2,
        user=draw(NAME),
        email="",
        client=draw(NAME),
        project=draw(NAME),
        task=draw(TEXT),
        description=draw(TEXT),
        billable=draw(st.booleans()),
        start=start,
        end=start + timedelta(seconds=seconds),
        seconds=seconds,
    )
    shown, until = written.start.astimezone(zone), written.end.astimezone(zone)
    fields = {
        "User": written.user,
        "Email": "",
        "Client": written.client,
        "Project": written.project,
        "Task": written.task,
        "Description": written.description,
        "Billable": "Yes" if written.billable else "No",
        "Start date": f"{shown:%Y-%m-%d}",
        "Start time": f"{shown:%H:%M:%S}",
        "End date": f"{until:%Y-%m-%d}",
        "End time": f"{until:%H:%M:%S}",
        "Duration": f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}",
        "Tags": "",
    }
    layout = draw(st.permutations(CLASSIC.split(",")))
    file = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    writer = csv.writer(file, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerows([layout, [fields[name] for name in layout]])
    return file.getvalue(), written, zone


@given(exported())
def test_what_is_written_is_read(export):
    text, written, zone = export
    (found,) = read(text, zone=zone)
    assert isinstance(found, EntryRow), found
    assert (found.user, found.task, found.description) == tuple(
        text.strip() for text in (written.user, written.task, written.description)
    )
    assert (found.client, found.project) == (plain_name(written.client), plain_name(written.project))
    assert (found.billable, found.seconds) == (written.billable, written.seconds)
    assert found.end - found.start == timedelta(seconds=written.seconds)
    # Inside the repeated hour the moment may be the other one of the two; the clock showed the same.
    assert found.start.astimezone(zone).replace(tzinfo=None) == written.start.astimezone(zone).replace(tzinfo=None)
