from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from xml.etree import ElementTree as ET

import openpyxl
import pytest

from sample_revenue import FIRST, LAST, a_few_days, revenue, work
from tasks_platform.services.reports import revenue_workbook
from tasks_platform.services.reports.chart import revenue_chart
from tasks_platform.services.reports.printed import printed_revenue

SVG = "{http://www.w3.org/2000/svg}"


def sheets(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(content))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], []),
        ([work(seconds=17)], [("0.00", "0.00")]),
        ([work(seconds=18)], [("0.01", "0.90")]),
        ([work(seconds=5417), work(seconds=1801)], [("2.01", "180.90")]),
        ([work(FIRST, seconds=1800), work(LAST, seconds=1800)], [("1.00", "90.00")]),
        ([work(), work(rate="95.00")], [("1.00", "90.00"), ("1.00", "95.00")]),
        ([work(), work(date(2026, 10, 11)), work(date(2026, 10, 15))], [("1.00", "90.00")]),
        ([work(rate=None)], []),
        ([work(rate="85.125", seconds=1800)], [("0.50", "42.56")]),
    ],
)
def test_hours_are_summed_exactly_and_rounded_once_per_project_and_rate(items, expected):
    lines = [(str(line.hours), str(line.amount)) for line in revenue(*items).lines]
    assert lines == expected


def test_totals_are_the_sums_of_the_printed_lines_and_currencies_are_kept_apart():
    found = a_few_days()
    for total in found.totals:
        lines = [line for line in found.lines if line.currency == total.currency]
        assert total.amount == sum(line.amount for line in lines)
        assert total.hours == sum(line.hours for line in lines)
    assert [total.currency for total in found.totals] == ["EUR", "GBP", "PLN"]


def test_lines_stand_by_currency_client_and_project_as_a_person_looks_for_them():
    found = revenue(work(client="Zebra"), work(client="Älvdal"), work(client="ant"), work(client="Aa", currency="CHF"))
    assert [line.client for line in found.lines] == ["Aa", "Älvdal", "ant", "Zebra"]


def test_a_chart_has_a_bar_for_every_day_on_which_something_was_earned():
    chart = ET.fromstring(revenue_chart(a_few_days()))
    bars = chart.findall(f"{SVG}rect")
    texts = [element.text for element in chart.findall(f"{SVG}text")]
    found = a_few_days()
    assert len(bars) == sum(amount > 0 for days in found.days.values() for _, amount in days)
    assert {"EUR", "GBP", "PLN", f"{max(amount for _, amount in found.days['EUR']):,.2f}", "14"} <= set(texts)
    assert max(float(bar.get("height", 0)) for bar in bars) == 46.0


def test_a_chart_without_any_revenue_is_empty():
    assert revenue().days == {}
    assert ET.fromstring(revenue_chart(revenue())).findall(f"{SVG}rect") == []
    assert printed_revenue(revenue())["chart"] == ""


def test_a_name_cannot_break_the_chart_nor_become_part_of_it():
    chart = ET.fromstring(revenue_chart(revenue(work(currency='<"&>'))))
    assert '<"&>' in [element.text for element in chart.findall(f"{SVG}text")]


def test_the_workbook_says_what_was_earned_by_whom_and_when():
    found = a_few_days()
    book = sheets(revenue_workbook(found))
    sums = [row for row in book["Revenue"].iter_rows(min_row=5, values_only=True) if row[5] is not None]
    lines = [row for row in sums if row[0] != "Total"]
    assert [(row[0], row[1], row[2], Decimal(str(row[5])).quantize(Decimal("0.01"))) for row in lines] == [
        (line.client, line.project, line.currency, line.amount) for line in found.lines
    ]
    worked = list(book["Work"].iter_rows(min_row=2, values_only=True))
    assert [row[0].date() for row in worked] == [item.day for item in found.work]
    days = list(book["Days"].iter_rows(min_row=2, max_row=15, max_col=4, values_only=True))
    assert days[0][0] == datetime(2026, 10, 1)  # noqa: DTZ001 - a workbook has no time zones
    assert [row[1] for row in days] == [float(amount) for _, amount in found.days["EUR"]]
    assert len(book["Days"]._charts) == 3


def test_totals_of_the_workbook_are_formulas_that_show_their_value_everywhere():
    found = a_few_days()
    content = revenue_workbook(found)
    shown = openpyxl.load_workbook(BytesIO(content), data_only=True)["Revenue"]
    formulas = sheets(content)["Revenue"]
    rows = [row[0].row for row in shown.iter_rows() if row[0].value == "Total"]
    assert [(shown.cell(row, 3).value, shown.cell(row, 6).value) for row in rows] == [
        (total.currency, float(total.amount)) for total in found.totals
    ]
    last = 4 + len(found.lines)
    assert formulas.cell(rows[0], 6).value == f"=SUMIF($C$5:$C${last},$C{rows[0]},F$5:F${last})"


def test_text_in_a_workbook_is_never_a_formula_nor_a_link():
    book = sheets(revenue_workbook(revenue(work(client="=1+1", description="http://x.example", project="@SUM(A1)"))))
    assert [cell.data_type for cell in book["Work"][2]][2:5] == ["s", "s", "s"]
    assert book["Revenue"]["A5"].value == "=1+1"
    assert book["Revenue"]["A5"].data_type == "s"


def test_the_same_report_gives_the_same_workbook():
    assert revenue_workbook(a_few_days()) == revenue_workbook(a_few_days())


def test_a_report_of_nothing_is_a_report():
    book = sheets(revenue_workbook(revenue()))
    assert book.sheetnames == ["Revenue", "Days", "Work"]


def test_what_is_printed_names_work_without_a_rate_and_says_the_chart_in_words():
    printed = printed_revenue(a_few_days())
    assert printed["unpriced"] == [("Hopeful", "Hope", "CHF", "1.50")]
    assert printed["title"] == "Revenue of Kontor & Söhne GmbH, 12 \N{EN DASH} 14 October 2026"
    assert str(printed["chart_says"]).startswith("A bar for what was earned each day, by currency. EUR: at most ")
