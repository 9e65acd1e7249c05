from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tasks_platform.services.books import EntryRow, Month, RowError, read_toggl
from tasks_platform.services.books.toggl import without_repeats
from tasks_platform.services.sample import MONTH, TIME_ENTRIES

MAKE_SAMPLE = Path(__file__).parents[2] / "scripts" / "make_sample"
ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def rows() -> list[EntryRow | RowError]:
    with TIME_ENTRIES.open("rb") as file:
        return list(without_repeats(read_toggl(file, zone=ZONE)))


def make(path: Path, *options: str) -> bytes:
    """Run the generator."""
    subprocess.run([sys.executable, str(MAKE_SAMPLE), "--out", str(path), *options], check=True, capture_output=True)
    return path.read_bytes()


def test_the_committed_sample_is_what_the_generator_writes(tmp_path):
    assert make(tmp_path / "sample.csv") == TIME_ENTRIES.read_bytes()


def test_another_seed_is_another_sample(tmp_path):
    assert make(tmp_path / "sample.csv", "--seed", "1") != TIME_ENTRIES.read_bytes()


def test_the_sample_has_wrong_rows_of_many_kinds(rows):
    errors = [row for row in rows if isinstance(row, RowError)]
    assert len(errors) == 15  # two more name clients and projects that only the books know to be wrong
    assert len({(error.column, error.reason.split(",")[0].split(":")[0]) for error in errors}) >= 13


def test_the_sample_fills_one_month_and_touches_its_neighbours(rows):
    months = Counter(Month.of(row.start.astimezone(ZONE).date()) for row in rows if isinstance(row, EntryRow))
    assert set(months) == {Month(2026, 9), Month.parse(MONTH), Month(2026, 11)}
    assert min(months.values()) > 100
    assert 3_000 < sum(months.values()) < 3_500


def test_the_sample_has_twelve_people_and_work_that_is_not_billed(rows):
    entries = [row for row in rows if isinstance(row, EntryRow)]
    assert len({row.person for row in entries}) == 12
    assert 0.05 < sum(not row.billable for row in entries) / len(entries) < 0.3
    assert any(row.seconds > 24 * 3600 for row in entries)
