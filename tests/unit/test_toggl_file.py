from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_platform.errors import BooksError
from tasks_platform.services.books.toggl import EntryRow, RowError, read_toggl
from toggl_export import BERLIN, CLASSIC, GOOD, changed, entry, read


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_part_of_the_text():
    (only,) = read(b"\xef\xbb\xbf" + f"{CLASSIC}\r\n{GOOD}\r\n".encode())
    assert entry(GOOD) == only


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Ana,ana@x.example,Acme", "3 fields where the header has 13"),
        (GOOD + ",,extra", "15 fields where the header has 13"),
        (GOOD.replace("Review", '"Review'), "quotes that do not match"),
        (GOOD.replace("Review", '"Re"view'), "quotes that do not match"),
    ],
)
def test_a_line_that_is_no_record_costs_only_itself(line, reason):
    found = read(f"{CLASSIC}\n{GOOD}\n{line}\n{GOOD}\n{GOOD}\n")
    assert [EntryRow, RowError, EntryRow, EntryRow] == [type(row) for row in found]
    error = found[1]
    assert isinstance(error, RowError)
    assert (3, "", reason) == (error.row, error.column, error.reason)
    assert [row.row for row in found] == [2, 3, 4, 5]


def test_two_quotes_that_stay_open_do_not_swallow_the_rows_between_them():
    broken = GOOD.replace("Review", '"Review')
    found = read(f"{CLASSIC}\n{broken}\n{GOOD}\n{broken}\n{GOOD}\n")
    assert [RowError, EntryRow, RowError, EntryRow] == [type(row) for row in found]


def test_an_inch_mark_inside_a_field_is_text():
    assert entry(GOOD.replace("Review", 'A 5" disk')).description == 'A 5" disk'


@pytest.mark.parametrize("garbage", [b"M\xfcnchen", b"\x00\x01", b"\xff\xfe"])
def test_bytes_that_are_no_text_cost_only_their_row(garbage):
    found = read(b"\n".join([CLASSIC.encode(), GOOD.encode().replace(b"Review", garbage), GOOD.encode()]))
    assert [RowError, EntryRow] == [type(row) for row in found]
    assert isinstance(found[0], RowError)
    assert found[0].reason == "bytes that are no text in UTF-8"


def test_rows_are_numbered_as_a_spreadsheet_shows_them():
    two_lines = GOOD.replace("Review", '"Review,\nsecond part"')
    found = read(f"{CLASSIC}\n{two_lines}\n\n{GOOD}\n,,,,,,,,,,,,\n{changed('Billable', '?')}\n")
    assert [(r.row, r.description) for r in found[:2]] == [(2, "Review,\nsecond part"), (4, "Review")]
    assert found[2].row == 6
    assert len(found) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty, or its first line is"),
        (b"PK\x03\x04\x14\x00", "Excel workbook or a ZIP archive"),
        (b"%PDF-1.7\n", "this is no text"),
        (b"\x00\x01\x02\n", "this is no text"),
        ("User,Email".encode("utf-16"), "UTF-16"),
        (b"Us\xe9r,Email\n", "no header of a CSV file in UTF-8"),
        (b"User;Email;Client\n", "not separated by commas"),
        (b"User,Email\rAna,ana", "line ends"),
        (b"x" * (2 << 20), "does not end where a header ends"),
        (b"Project,Client,Title,Duration\n", r"columns are missing: billable, start date, start time, user.*detailed"),
        (CLASSIC.replace("Client,", "").encode(), "columns are missing: client; found: User, Email"),
        (CLASSIC.replace("User,Email,", "").encode(), r"columns are missing: user \(or member, or email\)"),
        (CLASSIC.replace("End date,", "").encode(), r"end date and end time \(or neither\)"),
        ((CLASSIC + ",Client").encode(), "columns are there twice: client"),
    ],
)
def test_what_is_no_detailed_export_is_one_clear_error_at_once(content, message):
    with pytest.raises(BooksError, match=message):
        read_toggl(io.BytesIO(content), zone=BERLIN)


def test_an_endless_line_is_no_reason_to_run_out_of_memory():
    with pytest.raises(BooksError, match="a line is longer than 1048576 bytes"):
        read(f"{CLASSIC}\n".encode() + b"x" * (2 << 20))


@given(st.lists(st.binary(max_size=200), max_size=30))
def test_no_garbage_below_a_good_header_stops_the_good_rows(garbage):
    lines = [CLASSIC.encode(), *(line.replace(b"\n", b"") for line in garbage), GOOD.encode()]
    found = read(b"\n".join(lines))
    assert isinstance(found[-1], EntryRow)
    assert entry(GOOD).key == found[-1].key
