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

    def lead(self, lock: str, ttl: float, *, renew: bool) -> Holder | None:
        """Let *lock* lead for *ttl* seconds from now unless another one does, and tell which one leads.

        A beat takes another lock for each of its terms. To *renew* one is to go on leading: one that was lost is not
        taken again, and where nobody leads the answer is None.
        """

    def abdicate(self, lock: str) -> None:
        """Let another one lead, if it is *lock* that does."""

    def show_beat(self, beat: str, record: Record, ttl: float) -> None:
        """Remember for *ttl* seconds what *beat* tells of itself."""

    def hide_beat(self, beat: str) -> None:
        """Forget *beat*: it has ended."""

    def beats(self) -> list[Record]:
        """Return what the beats tell of themselves."""

    def claim_firing(self, schedule: str, firing: Record, lock: str) -> Literal["fire", "done", "lost"]:
        """Record that the beat with *lock* is about to send a moment, before it does.

        ``done`` means that the moment has had its end, ``lost`` that *lock* does not lead (any more).
        """

    def record_firings(
        self, schedule: str, firings: Sequence[Record], keep: int, *, lock: str | None = None
    ) -> list[str] | None:
        """Record how moments ended; the first end stands. The last *keep* moments are kept.

        Answer with those that cannot be ``missed`` because somebody was about to send them: they have to be sent.
        With a *lock* that does not lead (any more), nothing is recorded and the answer is None.
        """

    def end_firing(self, schedule: str, moment: str, job_id: str) -> None:
        """Record that a moment was fired whose job has ended, if the beat that sent it could not say so."""

    def firings(self, schedule: str, limit: int = 100) -> list[Record]:
        """Return the last moments, the newest first."""

    def count_firings(self, schedule: str) -> dict[str, int]:
        """Count the moments that ever ended in each state."""
