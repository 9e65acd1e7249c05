"""Dates, times of day and durations as Toggl Track writes them, and the moments they stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

#: Order of day, month and year in a date.
DateOrder = Literal["YMD", "DMY", "MDY"]
#: The same, and the order that dots alone tell.
WrittenOrder = Literal["YMD", "DMY", "MDY", "D.M.Y"]

_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_DOTTED: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_OTHER: Final = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})", re.ASCII)
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([AaPp])\.?[Mm]\.?)?", re.ASCII)
_DURATION: Final = re.compile(r"(\d{1,5}):(\d{2}):(\d{2})", re.ASCII)
_CLASSIC_MINUTES: Final = re.compile(r"(\d{1,2}):(\d{2}) min", re.ASCII)
_CLASSIC_SECONDS: Final = re.compile(r"(\d{1,2}) sec", re.ASCII)
_SIXTY: Final = 60


def written_order(text: str) -> WrittenOrder | Literal["unclear"] | None:
    """Tell in which order *text* writes a date; nothing if it is no date at all.

    Toggl Track offers 2026-10-31, 31.10.2026, and with slashes or dashes both 31/10/2026 and 10/31/2026: those are
    unclear, also where the day is greater than 12, because the next row's need not be.
    """
    if _ISO.fullmatch(text):
        return "YMD"
    if _DOTTED.fullmatch(text):
        return "D.M.Y"
    return "unclear" if _OTHER.fullmatch(text) else None


def parse_date(text: str, order: WrittenOrder) -> date:
    """Read a date.

    Raises:
        ValueError: if it is none, or not written in this *order*; the message says so in words.

    """
    if order == "YMD":
        match = _ISO.fullmatch(text)
        parts = match and (match[1], match[2], match[3])
    elif order == "D.M.Y" or (order == "DMY" and "." in text):
        match = _DOTTED.fullmatch(text)
        parts = match and (match[3], match[2], match[1])
    else:
        match = _OTHER.fullmatch(text)
        parts = match and ((match[4], match[3], match[1]) if order == "DMY" else (match[4], match[1], match[3]))
    if not parts:
        raise ValueError(f"is no date in the order {order} of this file")
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        raise ValueError(f"is no day of the calendar, read in the order {order}") from None


def parse_time(text: str) -> tuple[time, bool]:
    """Read a time of day, on a clock of 24 hours or of 12 with AM and PM; return it and whether it has seconds.

    Raises:
        ValueError: if it is none; the message says so in words.

    """
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError("is no time of day: 14:05:00 or 2:05:00 PM is expected")
    hour = int(match[1])
    if match[4]:
        if not 1 <= hour <= 12:  # noqa: PLR2004 - the twelve hours of a clock
            raise ValueError("is no time of day on a clock of 12 hours")
        hour = hour % 12 + (12 if match[4] in "Pp" else 0)
    try:
        return time(hour, int(match[2]), int(match[3] or 0)), match[3] is not None
    except ValueError:
        raise ValueError("is no time of day") from None


def parse_duration(text: str) -> int:
    """Read a duration in seconds: 26:15:00, or with the profile's format Classic 47:06 min and 59 sec.

    Raises:
        ValueError: if it is none, or not exact; the message says so in words.

    """
    if text.startswith("-"):
        raise ValueError("is negative: the entry was still running, or is broken")
    if match := _DURATION.fullmatch(text):
        hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3])
    elif match := _CLASSIC_MINUTES.fullmatch(text):
        hours, minutes, seconds = 0, int(match[1]), int(match[2])
    elif match := _CLASSIC_SECONDS.fullmatch(text):
        hours, minutes, seconds = 0, 0, int(match[1])
    elif re.fullmatch(r"\d+[.,]\d+( h)?", text, re.ASCII):
        raise ValueError("is not exact: set the duration format of the Toggl profile to Improved and export again")
    else:
        raise ValueError("is no duration: hours, minutes and seconds are expected, for example 1:30:00")
    if minutes >= _SIXTY or seconds >= _SIXTY:
        raise ValueError("is no duration: minutes and seconds end at 59")
    return (hours * 60 + minutes) * 60 + seconds


def moments(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the moments, in UTC, at which clocks in *zone* showed this.

    One, as a rule; two in the hour that is repeated when daylight saving ends, the earlier one first; none in the
    hour that is skipped when it begins.
    """
    shown = datetime.combine(day, clock)
    found = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(moment for moment in found if moment.astimezone(zone).replace(tzinfo=None) == shown))


@dataclass(frozen=True, kw_only=True)
class Span:
    """When an entry began and ended."""

    start: datetime
    end: datetime


def span_of(starts: tuple[datetime, ...], ends: tuple[datetime, ...], seconds: int, tolerance: int) -> Span | None:
    """Choose the start and the end that are *seconds* apart, give or take *tolerance*; nothing if none are.

    A clock time that was shown twice is told by the duration: from 01:30 to 02:45 in 2 h 15 min the second 02:45 is
    meant. Where both fit (from 02:10 to 02:40 in 30 min), the earlier is taken: day and duration, and so the
    invoice, are the same.
    """
    for start in starts:
        for end in ends:
            if abs((end - start) - timedelta(seconds=seconds)) <= timedelta(seconds=tolerance):
                return Span(start=start, end=end)
    return None
