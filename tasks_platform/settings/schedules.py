"""The schedule."""

from __future__ import annotations

from tasks_platform.settings.group import Group


class Schedules(Group):
    """The schedule and the processes that fire it."""

    #: Names of declared entries that are switched off, separated by commas.
    off: str = ""

    @property
    def switched_off(self) -> frozenset[str]:
        """The names of the entries that are switched off."""
        return frozenset(name for name in (part.strip() for part in self.off.split(",")) if name)
