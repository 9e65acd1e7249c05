"""The schedule."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from tasks_platform.settings.durations import Duration
from tasks_platform.settings.group import Group


class Schedules(Group):
    """The schedule and the processes that fire it."""

    #: Names of declared entries that are switched off, separated by commas.
    off: str = ""
    #: How long a beat leads without renewing its lease: one that died without a word is replaced about then.
    lease: Duration = Field(default=timedelta(seconds=5), ge=timedelta(seconds=1))
    #: How many moments of an entry are kept in its history.
    history: int = Field(default=200, ge=10)

    @property
    def switched_off(self) -> frozenset[str]:
        """The names of the entries that are switched off."""
        return frozenset(name for name in (part.strip() for part in self.off.split(",")) if name)
