"""How long jobs wait: from the moment they are due to the start of their first attempt, in small histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from tasks_platform.queues import Priority

#: The upper bounds of the buckets, in seconds: this, and every next one a fifth larger.
_FIRST: Final = 0.001
_GROWTH: Final = 1.2
_INSIDE, _UNKNOWN = "inside", "unknown"

#: What is counted: a bucket's number, ``inside`` the objective, or ``unknown``; then the level and the queue.
Counts = Mapping[str, int]


def counted(queue: str, level: Priority, waited: float | None, objective: float | None) -> tuple[str, ...]:
    """Return the names of what one wait counts as; None: nobody knows when the job was due."""
    if waited is None:
        return _names(queue, level, _UNKNOWN)
    is_inside = objective is not None and waited <= objective
    return _names(queue, level, _bucket(waited), *[_INSIDE] * is_inside)


@lru_cache(maxsize=1000)
def _names(queue: str, level: Priority, *parts: str | int) -> tuple[str, ...]:
    return tuple(f"{part}:{level}:{queue}" for part in parts)


@dataclass(frozen=True, kw_only=True)
class Waits:
    """How long the jobs of one level in one queue waited."""

    queue: str
    level: Priority
    #: Jobs by the number of their bucket.
    buckets: Mapping[int, int] = field(default_factory=dict)
    #: Jobs that were started inside the objective of their time.
    inside: int = 0
    #: Jobs of which nobody knows when they were due: a plain producer does not say when it sent them.
    unknown: int = 0

    @property
    def jobs(self) -> int:
        """Jobs whose wait is known."""
        return sum(self.buckets.values())

    def at_most(self, share: float) -> float | None:
        """Return the seconds that *share* of the jobs waited at most, up to a fifth too long; None without jobs."""
        wanted, seen = math.ceil(share * self.jobs), 0
        for number in sorted(self.buckets):
            seen += self.buckets[number]
            if seen >= wanted:
                return _FIRST * _GROWTH**number
        return None


def read(counts: Counts) -> list[Waits]:
    """Return what was counted, the highest level first."""
    found: dict[tuple[Priority, str], dict[str, int]] = {}
    for name, count in counts.items():
        what, level, queue = name.split(":", 2)
        found.setdefault((Priority(level), queue), {})[what] = count
    levels = list(Priority)
    return [
        Waits(
            queue=queue,
            level=level,
            inside=each.pop(_INSIDE, 0),
            unknown=each.pop(_UNKNOWN, 0),
            buckets={int(number): count for number, count in each.items()},
        )
        for (level, queue), each in sorted(found.items(), key=lambda item: (levels.index(item[0][0]), item[0][1]))
    ]


def _bucket(seconds: float) -> int:
    return 0 if seconds <= _FIRST else math.ceil(math.log(seconds / _FIRST, _GROWTH))
