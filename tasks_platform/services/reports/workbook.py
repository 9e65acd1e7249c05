"""A revenue report as an Excel workbook."""

from __future__ import annotations

from datetime import UTC, datetime, time
from io import BytesIO
from typing import TYPE_CHECKING, Any

from tasks_platform.errors import SettingsError
from tasks_platform.services.books.money import hours_of
from tasks_platform.services.printed_text import clean
from tasks_platform.services.reports.printed import period_of, title_of

if TYPE_CHECKING:
    from types import ModuleType

    from tasks_platform.services.reports.revenue import Revenue

_HOURS, _MONEY, _DAY = "#,##0.00", "#,##0.00", "yyyy-mm-dd"
_ACCENT = "#22442F"


def revenue_workbook(revenue: Revenue) -> bytes:
    """Return the sheets Revenue (with sums as formulas), Days (with a chart) and Work; the same report, the same bytes.

    Raises:
        SettingsError: xlsxwriter is not installed.

    """
    file = BytesIO()
    # Texts stay texts: a client called "=1+1" is no formula, and no link either.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = _xlsxwriter().Workbook(file, options)
    book.set_properties(
        {
            "title": title_of(revenue),
            "created": datetime.combine(revenue.last, time(), UTC).replace(tzinfo=None),
        }
    )
    formats = _Formats(book)
    _sums(book.add_worksheet("Revenue"), revenue, formats)
    _days(book, book.add_worksheet("Days"), revenue, formats)
    _work(book.add_worksheet("Work"), revenue, formats)
    book.close()
    return file.getvalue()


class _Formats:
    """How cells look."""

    def __init__(self, book: Any) -> None:
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.quiet = book.add_format({"font_color": "#595959"})
        self.head = book.add_format({"bold": True, "font_color": "#FFFFFF", "bg_color": _ACCENT, "valign": "vcenter"})
        self.head_right = book.add_format(
            {"bold": True, "font_color": "#FFFFFF", "bg_color": _ACCENT, "valign": "vcenter", "align": "right"}
        )
        self.number = book.add_format({"num_format": _MONEY})
        self.day = book.add_format({"num_format": _DAY, "align": "left"})
        self.total = book.add_format({"bold": True, "top": 1})
        self.total_number = book.add_format({"bold": True, "top": 1, "num_format": _MONEY})
        self.warning = book.add_format({"font_color": "#B3541E"})


def _sums(sheet: Any, revenue: Revenue, formats: _Formats) -> None:
    sheet.hide_gridlines(2)
    sheet.write(0, 0, clean(revenue.organization), formats.title)
    sheet.write(1, 0, period_of(revenue), formats.quiet)
    head = 3
    _header(sheet, head, ("Client", "Project", "Currency"), ("Hours", "Rate", "Amount"), formats)
    first = head + 1
    for row, line in enumerate(revenue.lines, first):
        sheet.write_string(row, 0, clean(line.client))
        sheet.write_string(row, 1, clean(line.project))
        sheet.write_string(row, 2, line.currency)
        for column, value in enumerate((line.hours, line.rate, line.amount), 3):
            sheet.write_number(row, column, float(value), formats.number)
    last = max(first, head + len(revenue.lines))
    sheet.autofilter(head, 0, last, 5)
    sheet.freeze_panes(first, 0)
    for row, total in enumerate(revenue.totals, last + 2):
        sheet.write_string(row, 0, "Total", formats.total)
        sheet.write_blank(row, 1, None, formats.total)
        sheet.write_string(row, 2, total.currency, formats.total)
        for column, value in ((3, total.hours), (5, total.amount)):
            letter = "ABCDEF"[column]
            formula = f"=SUMIF($C${first + 1}:$C${last + 1},$C{row + 1},{letter}${first + 1}:{letter}${last + 1})"
            # A program that does not calculate shows the value; Excel calculates it anew.
            sheet.write_formula(row, column, formula, formats.total_number, float(value))
        sheet.write_blank(row, 4, None, formats.total)
    for row, item in enumerate(revenue.unpriced, last + 3 + len(revenue.totals)):
        words = f"Not in these sums, for there is no rate in {item.currency}:"
        sheet.write_string(row, 0, f"{words} {clean(item.client)}, {clean(item.project)}", formats.warning)
        sheet.write_number(row, 3, float(item.hours), formats.number)
    _print_on_a4(sheet, (34, 34, 10, 11, 11, 14))
    sheet.repeat_rows(head)


def _days(book: Any, sheet: Any, revenue: Revenue, formats: _Formats) -> None:
    sheet.hide_gridlines(2)
    currencies = list(revenue.days)
    _header(sheet, 0, ("Day",), currencies, formats)
    days = [day for day, _ in next(iter(revenue.days.values()), ())]
    for row, day in enumerate(days, 1):
        sheet.write_datetime(row, 0, datetime.combine(day, time()), formats.day)
        for column, currency in enumerate(currencies, 1):
            sheet.write_number(row, column, float(revenue.days[currency][row - 1][1]), formats.number)
    _print_on_a4(sheet, (12, *(13 for _ in currencies)))
    sheet.freeze_panes(1, 1)
    for place, currency in enumerate(currencies):
        chart = book.add_chart({"type": "column"})
        chart.add_series(
            {
                "name": currency,
                "categories": ["Days", 1, 0, len(days), 0],
                "values": ["Days", 1, place + 1, len(days), place + 1],
                "fill": {"color": _ACCENT},
                "gap": 40,
            }
        )
        chart.set_title({"name": f"Earned each day, {currency}", "name_font": {"size": 11}})
        chart.set_legend({"none": True})
        chart.set_x_axis({"date_axis": True, "num_format": "d mmm", "num_font": {"size": 8}})
        chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
        chart.set_size({"width": 560, "height": 220})
        sheet.insert_chart(1 + place * 12, len(currencies) + 2, chart, {"description": f"Earned each day, {currency}"})


def _work(sheet: Any, revenue: Revenue, formats: _Formats) -> None:
    _header(sheet, 0, ("Day", "Who", "Client", "Project", "What"), ("Hours",), formats)
    for row, item in enumerate(revenue.work, 1):
        sheet.write_datetime(row, 0, datetime.combine(item.day, time()), formats.day)
        for column, text in enumerate((item.user, item.client, item.project, item.description), 1):
            sheet.write_string(row, column, clean(text))
        sheet.write_number(row, 5, float(hours_of(item.seconds)), formats.number)
    sheet.autofilter(0, 0, max(1, len(revenue.work)), 5)
    sheet.freeze_panes(1, 0)
    _print_on_a4(sheet, (12, 24, 30, 30, 44, 9))
    sheet.repeat_rows(0)


def _header(sheet: Any, row: int, texts: Any, numbers: Any, formats: _Formats) -> None:
    sheet.set_row(row, 20)
    for column, name in enumerate(texts):
        sheet.write_string(row, column, name, formats.head)
    for column, name in enumerate(numbers, len(texts)):
        sheet.write_string(row, column, name, formats.head_right)


def _print_on_a4(sheet: Any, widths: tuple[int, ...]) -> None:
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&R&P / &N")


def _xlsxwriter() -> ModuleType:
    try:
        import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415 - an optional extra: this module can be imported without it
    except ImportError as error:
        raise SettingsError(
            "Workbooks need xlsxwriter, which is not installed: pip install 'tasks-platform[reports]'"
        ) from error
    return xlsxwriter  # type: ignore[no-any-return]
