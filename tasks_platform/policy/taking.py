"""Taking: what a message needs to itself, taken in the very step that sends it."""

from __future__ import annotations

from dataclasses import dataclass


class HeldError(Exception):
    """A message was not sent, because another job holds its unique key."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"job {holder} holds the key")
        #: The id of that job.
        self.holder = holder


@dataclass(slots=True)
class Taking:
    """What is taken with one message, where the broker can do both in one step; policies add to it before they proceed.

    Nothing is held by a sender that dies: neither is there without the other.
    """

    #: The unique key, and for how many seconds it is kept.
    key: str | None = None
    key_ttl: float = 0.0
