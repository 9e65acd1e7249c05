"""Queues, priorities and routes: one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

DEFAULT_QUEUE: Final = "default"

#: The steps of kombu's Redis transport that the platform reads: one list per level. A superset of kombu's
#: own (0, 3, 6, 9), so that what a plain producer sends is read too.
PRIORITY_STEPS: Final = (0, 1, 3, 6, 9)


class Priority(StrEnum):
    """How soon a waiting job is taken: strictly by level, first in first out inside a level."""

    #: Before everything else.
    CRITICAL = "critical"
    #: Somebody waits for it: seconds.
    HIGH = "high"
    #: Minutes.
    NORMAL = "normal"
    #: Background.
    LOW = "low"
    #: Large amounts that may take as long as they take.
    BULK = "bulk"


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one worker takes."""

    #: None: of all queues.
    queues: frozenset[str] | None = None
    #: None: of all levels.
    levels: frozenset[Priority] | None = None


def lists_taken(queues: Iterable[str], shares: Mapping[str, Share]) -> dict[tuple[str, Priority], tuple[str, ...]]:
    """Return who takes the jobs of each queue and level, by the names of *shares*; where nobody does, nobody."""
    return {
        (queue, level): tuple(
            name
            for name, share in shares.items()
            if (share.queues is None or queue in share.queues) and (share.levels is None or level in share.levels)
        )
        for queue in queues
        for level in Priority
    }


_REDIS: Final = dict(zip(Priority, PRIORITY_STEPS, strict=True))
_LEVEL: Final = {step: level for level, step in _REDIS.items()}


def broker_priority(priority: Priority | str | int, *, highest_first: bool = True) -> int:
    """Return the number a broker wants for *priority*.

    On Redis 0 is taken first; on RabbitMQ (``highest_first=False``) 9 is. Numbers are passed through.

    Raises:
        ValueError: if *priority* is no level; the message lists them.

    """
    if isinstance(priority, int):
        return priority
    try:
        step = _REDIS[Priority(priority.lower())]
    except ValueError:
        levels = ", ".join(Priority)
        raise ValueError(f"{priority!r} is no priority; the levels are {levels}") from None
    return step if highest_first else 9 - step


@cache
def priority_level(number: int | None, *, highest_first: bool = True) -> Priority:
    """Return the level whose list a message of priority *number* waits in."""
    if not highest_first:
        number = PRIORITY_STEPS[2] if number is None else 9 - number
    step = max(step for step in PRIORITY_STEPS if step <= max(0, number or 0))
    return _LEVEL[step]
