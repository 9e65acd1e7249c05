"""Pace: how much a worker can begin with, and how many messages it may take ahead of that."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import Final, NamedTuple

#: Seconds: as many are taken ahead as were begun and done with within so long.
HORIZON: Final = 0.02
#: The most that is taken ahead.
MOST: Final = 50
#: Which part of them waits for a thread, and not for the event loop.
_QUEUED: Final = 2


class Slots(NamedTuple):
    """How many messages a worker can be at, and at how many it is."""

    total: int
    taken: int

    @property
    def is_full(self) -> bool:
        """Whether nobody can begin with anything."""
        return self.taken >= self.total


class Pace:
    """When the last messages were begun with.

    Who is done with many in a short time need not ask for each; who is not takes nothing that others could begin with.
    """

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=MOST)

    def began(self, now: float) -> None:
        """Note that a message was begun with *now*, in seconds of any clock that goes on."""
        self._moments.append(now)

    def ahead(self, now: float, taken: int) -> int:
        """Return how many messages to have that nobody has begun with, while as many slots are *taken*."""
        return max(0, self._lately(now) - taken)

    def queued(self, now: float) -> int:
        """Return how many messages may wait right in front of those who begin with them."""
        return self._lately(now) // _QUEUED

    def _lately(self, now: float) -> int:
        moments = tuple(self._moments)  # in one step: threads ask, too
        return len(moments) - bisect_left(moments, now - HORIZON)
