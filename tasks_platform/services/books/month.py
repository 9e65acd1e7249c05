"""A month of the calendar: the period that is billed."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, order=True)
class Month:
    """A month; written as ``2026-10``."""

    year: int
    #: 1 to 12.
    number: int

    def __post_init__(self) -> None:
        """Refuse what is no month, so that `first` and `last` always exist."""
        date(self.year, self.number, 1)

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read ``2026-10``.

        Raises:
            ValueError: if *text* is no month in this form.

        """
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text.startswith("0000"):
            raise ValueError(f"{text!r} is no month: year and month are expected, for example 2026-10")
        return cls(int(text[:4]), int(text[5:]))

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month in which *day* lies."""
        return cls(day.year, day.month)

    @classmethod
    def before(cls, day: date) -> Month:
        """Return the last month that has ended on *day*."""
        return cls(day.year - 1, 12) if day.month == 1 else cls(day.year, day.month - 1)

    @property
    def first(self) -> date:
        """The first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """The last day."""
        return date(self.year, self.number, monthrange(self.year, self.number)[1])

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"
