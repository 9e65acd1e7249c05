"""One name, a queue per level behind it: quorum queues know no priorities, or two since RabbitMQ 4."""

from __future__ import annotations

from typing import Final

#: The levels, the highest first, and their numbers: unlike on Redis, 9 is the highest on RabbitMQ.
LEVELS: Final = {"critical": 9, "high": 8, "normal": 6, "low": 3, "bulk": 0}
#: Its queue has the plain name, so that what knows nothing of levels sends to it and reads it.
_PLAIN: Final = "normal"
_SEPARATOR: Final = ":"


def level_of(priority: int | None) -> str:
    """Return the level in whose queue a message of *priority* waits; without one, the plain queue's."""
    if priority is None:
        return _PLAIN
    reached = [level for level, number in LEVELS.items() if number >= priority]
    return reached[-1] if reached else next(iter(LEVELS))


def physical_name(queue: str, level: str) -> str:
    """Return the name of the queue on the server in which messages of *level* wait."""
    return queue if level == _PLAIN else f"{queue}{_SEPARATOR}{level}"


def logical_name(physical: str) -> str:
    """Return the name that a queue on the server stands for."""
    return _parts(physical)[0]


def level_behind(physical: str) -> str:
    """Return the level whose messages wait in a queue on the server."""
    return _parts(physical)[1]


def _parts(physical: str) -> tuple[str, str]:
    name, _, level = physical.rpartition(_SEPARATOR)
    return (name, level) if name and level in LEVELS else (physical, _PLAIN)
