"""Column types that keep what SQLite would lose: exact decimals, time zones, lines of text."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator

from tasks_platform.services.books.month import Month

#: What 64 bits hold.
_LARGEST = 2**63 - 1


class Exact(TypeDecorator[Decimal]):
    """A decimal with a fixed number of places, stored as an integer of its smallest unit.

    SQLite has no decimals: SQLAlchemy's Numeric goes through a float there. Integers are exact everywhere, and so is
    their SUM.
    """

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        #: Digits after the point; a value with more is refused, never rounded.
        self.places = places

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return *value* in its smallest unit."""
        if value is None:
            return None
        units = int(value.scaleb(self.places)) if value.is_finite() else _LARGEST + 1
        # Compared with the value itself: scaleb() rounds what is longer than the context's precision.
        if abs(units) > _LARGEST or Decimal(units).scaleb(-self.places) != value:
            raise ValueError(f"{value} cannot be stored exactly with {self.places} places: round it first")
        return units

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Return the decimal."""
        return None if value is None else Decimal(value).scaleb(-self.places)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, in UTC; SQLite drops the time zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return *value* in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: the books keep aware times only")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the aware moment."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Lines(TypeDecorator[tuple[str, ...]]):
    """Lines of text, for example of an address."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """Return one text."""
        return None if value is None else "\n".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """Return the lines."""
        return None if value is None else tuple(value.splitlines())


class MonthColumn(TypeDecorator[Month]):
    """A month, stored as it is written: ``2026-10`` sorts and compares as text."""

    impl = String(7)
    cache_ok = True

    def process_bind_param(self, value: Month | None, dialect: Dialect) -> str | None:
        """Return the text."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Month | None:
        """Return the month."""
        return None if value is None else Month.parse(value)

    def coerce_compared_value(self, op: Any, value: Any) -> TypeDecorator[Month]:
        """Compare months with months."""
        return self
