"""Pace: how many messages a worker may take ahead of those that it can begin with now."""

from __future__ import annotations

from collections import deque
from typing import Final

#: Seconds: what is taken ahead is what was begun within so long.
HORIZON: Final = 0.02
#: The most that is taken ahead.
MOST: Final = 50


class Pace:
    """When the last messages were begun with.

    Who begins with many in a short time need not ask for each; who does not takes nothing that others could begin with.
    """

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=MOST)

    def began(self, now: float) -> None:
        """Note that a message was begun with *now*, in seconds of any clock that goes on."""
        self._moments.append(now)

    def ahead(self, now: float) -> int:
        """Return how many messages to have that nobody has begun with."""
        while self._moments and self._moments[0] < now - HORIZON:
            self._moments.popleft()
        return len(self._moments)
