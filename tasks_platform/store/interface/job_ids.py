"""Which ids of a caller's choice are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

#: What becomes of an id that was asked for.
Reservation = Literal["free", "reserved", "taken"]


class JobIds(Protocol):
    """Which ids of a caller's choice are taken."""

    def reserve(self, job_id: str, token: str, ttl: float) -> Reservation:
        """Reserve *job_id* for the sender *token*; ``reserved`` means that another sender is at it.

        The id of a dead letter is taken. A reservation lapses after *ttl* seconds without ``confirm``.
        """

    def reserve_all(self, senders: Sequence[tuple[str, str]], ttl: float) -> list[Reservation]:
        """Reserve each id for the token of its sender, in order and in one round trip; answer as ``reserve`` does."""

    def confirm(self, job_id: str, ttl: float) -> None:
        """Record that the message of *job_id* was sent: the id is taken for *ttl* seconds."""

    def unreserve(self, job_id: str, token: str) -> None:
        """Give up a reservation whose message was not sent."""

    def retire(self, job_id: str, ttl: float) -> None:
        """Record that *job_id* has ended: its id stays taken for *ttl* seconds more."""
