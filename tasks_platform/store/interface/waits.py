"""How long jobs waited, counted by the hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class WaitCounts(Protocol):
    """How long jobs waited, counted by the hour. Names are those of ``tasks_platform.latency``."""

    def count_waits(self, writer: str, number: int, hour: int, counts: Mapping[str, int]) -> None:
        """Add *counts* to those of *hour* (since 1970), once however often it is said.

        *number* is the addition's among those of its *writer*; they come in order, counted from 1.
        """

    def waits(self, hours: Iterable[int]) -> dict[str, int]:
        """Return the sum of what was counted in *hours*; two days are kept."""
