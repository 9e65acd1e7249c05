from __future__ import annotations

from datetime import date

import pytest

from tasks_platform.services.books.month import Month


def test_a_month_is_written_as_it_is_read():
    assert str(Month.parse("2026-10")) == "2026-10"


def test_a_month_knows_its_first_and_last_day():
    leap = Month.parse("2028-02")
    assert (leap.first, leap.last) == (date(2028, 2, 1), date(2028, 2, 29))


def test_a_day_lies_in_its_month():
    assert Month.of(date(2026, 12, 31)) == Month(2026, 12)


@pytest.mark.parametrize(("day", "expected"), [("2026-01-01", "2025-12"), ("2026-03-31", "2026-02")])
def test_the_last_month_is_the_one_that_has_ended(day, expected):
    assert str(Month.before(date.fromisoformat(day))) == expected


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "10-2026", "2026-10-01", "0000-01", "", "٢٠٢٦-10"])
def test_what_is_no_month_is_refused(text):
    with pytest.raises(ValueError, match="for example 2026-10"):
        Month.parse(text)
