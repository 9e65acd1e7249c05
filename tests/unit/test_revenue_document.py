"""The revenue report as a PDF, read back as somebody who only has the file."""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from read_invoice import read_text
from sample_revenue import a_few_days, revenue, work
from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError
from tasks_platform.services import documents, typesetting_apart
from tasks_platform.services.documents import TypstRenderer


@pytest.fixture(scope="module")
def renderer() -> TypstRenderer:
    return TypstRenderer()


def test_a_report_says_what_was_earned_and_what_is_not_in_it(renderer):
    found = a_few_days()
    text = read_text(renderer.render_revenue(found))
    for total in found.totals:
        assert re.search(rf"^Total {total.currency} {total.hours:,.2f} {total.amount:,.2f}$", text, re.MULTILINE)
    assert "Kontor & Söhne GmbH\nRevenue\n12 \N{EN DASH} 14 October 2026" in text
    assert "Hopeful · Hope: 1.50 hours, no rate in CHF" in text
    assert text.count("Grażyna Wójcik") == len(found.work)


def test_a_report_of_nothing_says_so(renderer):
    assert "Nothing was earned in this period." in read_text(renderer.render_revenue(revenue()))


@pytest.mark.parametrize("text", ["#panic()", '#read("/etc/passwd")', "*bold* $x^2$ @ref", "\\u{41} <label>", "= x"])
def test_text_is_never_read_as_markup(renderer, text):
    assert text in read_text(renderer.render_revenue(revenue(work(client=text))))


def test_every_page_repeats_the_columns_and_counts_itself(renderer):
    pages = [page.extract_text() for page in PdfReader(BytesIO(renderer.render_revenue(a_few_days(300)))).pages]
    assert len(pages) > 2
    assert pages[-1].startswith("Day Who For What Hours")
    assert pages[-1].endswith(f"{len(pages)} / {len(pages)}")


def test_a_long_report_is_the_same_and_leaves_no_memory_behind(renderer, monkeypatch):
    found = a_few_days(450)
    near = renderer.render_revenue(found)
    monkeypatch.setattr(documents, "LONG", 1)
    before = resident()
    apart = renderer.render_revenue(found)
    assert apart == near
    assert resident() - before < 30_000_000


def test_a_long_report_that_cannot_be_printed_is_refused_as_a_short_one_is(renderer, monkeypatch):
    found = revenue(work(client="東京"), work())
    with pytest.raises(ServiceRefusedError) as near:
        renderer.render_revenue(found)
    monkeypatch.setattr(documents, "LONG", 1)
    with pytest.raises(ServiceRefusedError) as apart:
        renderer.render_revenue(found)
    assert str(apart.value) == str(near.value)


def test_a_process_that_dies_while_it_prints_is_a_passing_fault(renderer, monkeypatch, tmp_path):
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nkill -9 $$\n")
    dying.chmod(0o755)
    monkeypatch.setattr(typesetting_apart.sys, "executable", str(dying))
    monkeypatch.setattr(documents, "LONG", 0)
    with pytest.raises(ServiceUnavailableError, match=r"that printed Revenue of Kontor.* died with -9"):
        renderer.render_revenue(a_few_days(5))


def resident() -> int:
    """Return the bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
