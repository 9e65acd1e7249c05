"""What became of the moments of the schedule, and which beat fires them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from tasks_platform.store.records import Holder, Record


class Firings(Protocol):
    """What became of the moments of the schedule, and which beat fires them.

    A firing is a record with ``moment`` (UTC, ISO 8601) and ``state``: ``sending``, and in the end ``fired``,
    ``missed`` or ``refused``.
    """

    def lead(self, beat: str, ttl: float) -> Holder:
        """Let *beat* lead for *ttl* seconds from now unless another one does, and tell who leads."""

    def abdicate(self, beat: str) -> None:
        """Let another beat lead, if it is *beat* that does."""

    def show_beat(self, beat: str, record: Record, ttl: float) -> None:
        """Remember for *ttl* seconds what *beat* tells of itself."""

    def hide_beat(self, beat: str) -> None:
        """Forget *beat*: it has ended."""

    def beats(self) -> list[Record]:
        """Return what the beats tell of themselves."""

    def claim_firing(self, schedule: str, firing: Record, beat: str) -> Literal["fire", "done", "lost"]:
        """Record that *beat* is about to send a moment, before it does.

        ``done`` means that the moment has had its end, ``lost`` that *beat* does not lead (any more).
        """

    def record_firings(self, schedule: str, firings: Sequence[Record], keep: int) -> list[str]:
        """Record how moments ended; the first end stands. The last *keep* moments are kept.

        Answer with those that cannot be ``missed`` because somebody was about to send them: they have to be sent.
        """

    def firings(self, schedule: str, limit: int = 100) -> list[Record]:
        """Return the last moments, the newest first."""

    def count_firings(self, schedule: str) -> dict[str, int]:
        """Count the moments that ever ended in each state."""
