"""When a cron expression comes true in a time zone: pure, in UTC, also where the clocks change.

* What names its hours and minutes (``30 2 * * *``) goes by the clock: each time of day once a day. One that the clocks
  skip comes when they have skipped it; one that they show twice comes the first time.
* What has a ``*`` in its hour or minute field (``*/15 * * * *``) goes by the time that passes: it comes as often as
  the clocks show it.

That is the rule of Debian's cron for five fields; here it holds for six as well.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

_SECOND = timedelta(seconds=1)
#: Clocks are looked at in such steps: no zone changes them twice in less.
_STEP = timedelta(days=6)


def moments(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """Yield the moments later than *after*, in order; they end where none follows within fifty years."""
    way = _by_the_clock if _names_times(expression) else _by_elapsed_time
    return way(expression, zone, after)


def _names_times(expression: str) -> bool:
    minute, hour = expression.split()[-5:-3]
    return not minute.startswith("*") and not hour.startswith("*")


def _by_the_clock(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    last = after
    for shown in CronSim(expression, after.astimezone(zone).replace(tzinfo=None)):
        if (moment := _moment_of(shown, zone)) > last:
            yield moment
            last = moment


def _moment_of(shown: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clocks first show this time; if they skip it, when they have skipped it."""
    moment = shown.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == shown:
        return moment
    before = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change(zone, before, moment)


def _by_elapsed_time(expression: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    start: datetime | None = after.astimezone(UTC).replace(microsecond=0) + _SECOND
    while start is not None:
        start = yield from _until_the_clocks_change(expression, zone, start)


def _until_the_clocks_change(
    expression: str, zone: ZoneInfo, start: datetime
) -> Generator[datetime, None, datetime | None]:
    """Yield the moments from *start* on, and return when the clocks change; None if no moment comes after that."""
    offset = _offset(zone, start)
    last = start
    for shown in CronSim(expression, (start - _SECOND + offset).replace(tzinfo=None)):
        moment = shown.replace(tzinfo=UTC) - offset
        if (change := _next_change(zone, last, moment)) is not None:
            return change
        yield moment
        last = moment
    return None


def _next_change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime | None:
    """Return the first moment in (*low*, *high*] at which the clocks have been changed."""
    while low < high:
        then = min(low + _STEP, high)
        if _offset(zone, then) != _offset(zone, low):
            return _change(zone, low, then)
        low = then
    return None


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the second of the one change in (*low*, *high*]."""
    offset = _offset(zone, low)
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
