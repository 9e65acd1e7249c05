"""A chart as SVG: a row of bars per currency, one bar a day, all on the same days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

from tasks_platform.services.printing import amount
from tasks_platform.services.reports.revenue import Revenue

#: In units of the picture; the document scales it to the width of its text.
WIDTH = 680.0
_LEFT, _RIGHT = 46.0, 64.0
_ROW, _BARS, _AXIS = 62.0, 46.0, 20.0
_INK, _ACCENT, _PALE, _GREY = "#1a1a1a", "#22442f", "#b9c9be", "#595959"
#: Of a bar's share of the width: the rest is the gap between two.
_FILLED = 0.72
_SATURDAY = 5


def revenue_chart(revenue: Revenue) -> str:
    """Return the chart: the days of the report's period in a strong colour, those before it in a pale one.

    Every row has a scale of its own, whose highest bar is labelled: amounts of different currencies do not compare.
    """
    rows = list(revenue.days.items())
    height = len(rows) * _ROW + _AXIS
    size = f'viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" height="{height:g}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Libertinus Serif" font-size="10.5">']
    for number, (currency, days) in enumerate(rows):
        parts += _row(number * _ROW, currency, days, revenue.first)
    if rows:
        parts += _axis(len(rows) * _ROW, [day for day, _ in rows[0][1]])
    return "".join([*parts, "</svg>"])


def _row(top: float, currency: str, days: tuple[tuple[date, Decimal], ...], first: date) -> Iterator[str]:
    bottom = top + _ROW - 4
    highest = max(earned for _, earned in days)
    step = (WIDTH - _LEFT - _RIGHT) / len(days)
    yield f'<text x="0" y="{bottom - 1:g}" fill="{_INK}" font-weight="bold">{escape(currency)}</text>'
    for place, (day, earned) in enumerate(days):
        if earned > 0:
            tall = float(earned / highest) * _BARS
            x = _LEFT + (place + (1 - _FILLED) / 2) * step
            colour = _ACCENT if day >= first else _PALE
            yield (
                f'<rect x="{x:.2f}" y="{bottom - tall:.2f}" width="{step * _FILLED:.2f}" height="{tall:.2f}" '
                f'fill="{colour}"/>'
            )
    right = WIDTH - _RIGHT
    yield f'<line x1="{_LEFT:g}" y1="{bottom:g}" x2="{right:g}" y2="{bottom:g}" stroke="{_GREY}" stroke-width="0.6"/>'
    yield (
        f'<line x1="{_LEFT:g}" y1="{bottom - _BARS:g}" x2="{right:g}" y2="{bottom - _BARS:g}" stroke="{_GREY}" '
        'stroke-width="0.4" stroke-dasharray="1.5 3"/>'
    )
    yield f'<text x="{right + 6:g}" y="{bottom - _BARS + 4:g}" fill="{_GREY}">{amount(highest)}</text>'


def _axis(top: float, days: list[date]) -> Iterator[str]:
    step = (WIDTH - _LEFT - _RIGHT) / len(days)
    for place, day in enumerate(days):
        middle = _LEFT + (place + 0.5) * step
        weight = ' fill-opacity="0.55"' if day.weekday() >= _SATURDAY else ""
        yield f'<text x="{middle:.2f}" y="{top + 8:g}" text-anchor="middle" fill="{_GREY}"{weight}>{day.day}</text>'
