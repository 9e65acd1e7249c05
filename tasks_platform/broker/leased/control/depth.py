"""Depth: how much lies in queues, by state, counted at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.control.pausing import Pause
from tasks_platform.broker.leased.scripts import text_of
from tasks_platform.broker.leased.storing import StoringChannel


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """How much lies in one queue; moments are in ms since 1970, on the server's clock."""

    queue: str
    #: When this was so.
    at: int
    #: How many are ready, by priority step.
    ready: Mapping[int, int]
    #: The message that is taken next, by priority step; one that cannot be read is left out.
    next: Mapping[int, Mapping[str, Any]]
    #: How many are not due yet, how many of them were set aside by their jobs, and when the first of them will be.
    delayed: int
    held: int
    next_due: int | None
    #: How many workers have, whether they have begun with them or not.
    claimed: int
    #: Why nothing is taken from it; None while it is not paused.
    pause: Pause | None

    @property
    def waiting(self) -> int:
        """How many are ready, of all priorities."""
        return sum(self.ready.values())


def depth(channel: StoringChannel, queues: Sequence[str]) -> list[Depth]:
    """Return how much lies in *queues*, in their order."""
    if not queues:
        return []
    names, steps = channel.names, channel.all_steps
    script = channel.server.register_script(text_of("depth"))
    found: Any = script(
        keys=[names.workers, names.paused, names.gone], args=[names.prefix, names.sep, len(steps), *steps, *queues]
    )
    at, *rest = found
    width = 5 + 2 * len(steps)
    return [
        _read(queue, at, steps, rest[first : first + width])
        for queue, first in zip(queues, range(0, len(rest), width), strict=True)
    ]


def _read(queue: str, at: int, steps: Sequence[int], found: Sequence[Any]) -> Depth:
    paused, delayed, held, next_due, claimed, *lists = found
    heads = {step: _message(raw) for step, raw in zip(steps, lists[1::2], strict=True)}
    return Depth(
        queue=queue,
        at=at,
        ready=dict(zip(steps, lists[::2], strict=True)),
        next={step: head for step, head in heads.items() if head is not None},
        delayed=delayed,
        held=held,
        next_due=next_due or None,
        claimed=claimed,
        pause=Pause.read(queue, paused) if paused else None,
    )


def _message(raw: bytes) -> Mapping[str, Any] | None:
    try:
        return payload.read(raw) if raw else None
    except payload.BadMessageError:
        return None
