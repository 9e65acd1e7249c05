"""What becomes of moments that were not fired in time: a pure decision."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from tasks_platform.errors import ScheduleError

Rule = Literal["once", "skip", "all"]
RULES: Final[tuple[Rule, ...]] = ("once", "skip", "all")
#: How many moments are decided on at a time, and the most that ``all`` fires.
LONGEST: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Misfire:
    """What becomes of moments that passed while no beat ran, or while nothing could be sent.

    ``once``: the last one is fired, however late. ``skip``: the last one is fired unless it is later than *grace*.
    ``all``: the last *at_most* are fired. What is not fired is recorded as missed.
    """

    rule: Rule = "once"
    grace: timedelta = timedelta(seconds=60)
    at_most: int = 100

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            meant = difflib.get_close_matches(str(self.rule), RULES, 1)
            hint = f"; did you mean {meant[0]!r}?" if meant else ""
            raise ScheduleError(f"misfire={self.rule!r} is none of {', '.join(RULES)}{hint}")
        if self.grace < timedelta(0) or not 1 <= self.at_most <= LONGEST:
            raise ScheduleError(f"grace has to be positive and at_most between 1 and {LONGEST}")

    @classmethod
    def of(cls, rule: Rule, grace: timedelta | float | None, at_most: int | None) -> Misfire:
        """Read what a declaration says; a number of *grace* is seconds."""
        if grace is not None and rule != "skip":
            raise ScheduleError(f"grace is for misfire='skip', not for {rule!r}")
        if at_most is not None and rule != "all":
            raise ScheduleError(f"at_most is for misfire='all', not for {rule!r}")
        given: dict[str, Any] = {} if at_most is None else {"at_most": at_most}
        if grace is not None:
            given["grace"] = grace if isinstance(grace, timedelta) else timedelta(seconds=grace)
        return cls(rule=rule, **given)

    @property
    def kept(self) -> int:
        """How many of the last moments may be fired."""
        return self.at_most if self.rule == "all" else 1

    def to_fire(self, overdue: Sequence[datetime], now: datetime) -> Sequence[datetime]:
        """Return those of the *overdue* moments that are fired at *now*; the others are missed."""
        last = overdue[-self.kept :]
        return [moment for moment in last if self.rule != "skip" or now - moment <= self.grace]
