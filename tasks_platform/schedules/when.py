"""When an entry comes due: by cron, or every so often. Values that can be written down and read again."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from tasks_platform.errors import ScheduleError
from tasks_platform.schedules.moments import moments

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST = timedelta(seconds=1)


class When(Protocol):
    """When an entry comes due."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that people read its moments in."""

    @property
    def words(self) -> str:
        """What it says, for people."""

    @property
    def definition(self) -> dict[str, Any]:
        """What ``when_of`` reads."""

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the moments later than *moment*, in UTC and in order."""


@dataclass(frozen=True)
class Cron:
    """At the times that a cron expression names, on the clocks of a zone."""

    kind: ClassVar[str] = "cron"
    expression: str
    zone: ZoneInfo

    def __post_init__(self) -> None:
        try:
            CronSim(self.expression, _EPOCH)
        except CronSimError as error:
            raise ScheduleError(
                f"cron({self.expression!r}): {_lower(error)}; five fields are minute, hour, day, month, weekday, "
                "and a sixth in front of them is the second"
            ) from None
        if next(self.after(_EPOCH), None) is None:
            raise ScheduleError(f"cron({self.expression!r}) never comes: there is no such day")

    @property
    def words(self) -> str:
        """The expression as a sentence."""
        from cron_descriptor import (  # type: ignore[import-untyped]  # noqa: PLC0415 - most processes only declare
            FormatError,
            Options,
            get_description,
        )

        options = Options()
        options.use_24hour_time_format = True
        try:
            return _lower(get_description(self.expression, options))
        except FormatError:
            return self.expression

    @property
    def definition(self) -> dict[str, Any]:
        """What ``when_of`` reads."""
        return {"kind": self.kind, "expression": self.expression, "zone": self.zone.key}

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the moments later than *moment*."""
        return moments(self.expression, self.zone, moment)


@dataclass(frozen=True)
class Every:
    """At the multiples of an interval, counted from the beginning of 1970 in UTC: all processes agree on them."""

    kind: ClassVar[str] = "every"
    interval: timedelta

    def __post_init__(self) -> None:
        if self.interval < _SHORTEST:
            raise ScheduleError(f"every({self.interval}) is too often: the shortest interval is a second")

    @property
    def zone(self) -> ZoneInfo:
        """UTC."""
        return ZoneInfo("UTC")

    @property
    def words(self) -> str:
        """The interval."""
        for unit in ("weeks", "days", "hours", "minutes", "seconds"):
            number, rest = divmod(self.interval, timedelta(**{unit: 1}))
            if number and not rest:
                return f"every {unit[:-1]}" if number == 1 else f"every {number} {unit}"
        return f"every {self.interval.total_seconds():g} seconds"

    @property
    def definition(self) -> dict[str, Any]:
        """What ``when_of`` reads."""
        return {"kind": self.kind, "seconds": self.interval.total_seconds()}

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the moments later than *moment*."""
        for number in count((moment - _EPOCH) // self.interval + 1):
            yield _EPOCH + number * self.interval


def cron(expression: str, *, zone: str = "UTC") -> Cron:
    """Come due by a cron expression of five fields, or of six with the second in front, on the clocks of *zone*.

    What names its hours and minutes comes once a day, also when the clocks change; what has a ``*`` there comes as
    often as the clocks show it.

    Raises:
        ScheduleError: if the expression or the zone cannot be; the message says what was probably meant.

    """
    return Cron(" ".join(expression.split()), _zone(zone))


def every(  # noqa: PLR0913 - the words of a timedelta
    interval: timedelta | None = None,
    /,
    *,
    weeks: float = 0,
    days: float = 0,
    hours: float = 0,
    minutes: float = 0,
    seconds: float = 0,
) -> Every:
    """Come due at the multiples of an interval, counted from the beginning of 1970 in UTC.

    Raises:
        ScheduleError: if it is shorter than a second.

    """
    given = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return Every(given + (interval or timedelta()))


def when_of(definition: Mapping[str, Any]) -> When:
    """Read what ``When.definition`` wrote.

    Raises:
        ScheduleError: if it is of a kind that this version does not know.

    """
    match definition:
        case {"kind": Cron.kind, "expression": expression, "zone": zone}:
            return cron(expression, zone=zone)
        case {"kind": Every.kind, "seconds": seconds}:
            return every(seconds=seconds)
    raise ScheduleError(f"a schedule of the kind {definition.get('kind')!r} is not known to this version")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        meant = difflib.get_close_matches(name, available_timezones(), 1)
        hint = f"; did you mean {meant[0]!r}?" if meant else ""
        raise ScheduleError(f"{name!r} is no time zone{hint}") from None


def _lower(sentence: object) -> str:
    text = str(sentence)
    return text[:1].lower() + text[1:]
