"""Sweeping: go through what waits in a queue, a part at a time, and take some of it out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.control.by_id import Found
from tasks_platform.broker.leased.publishing import id_of
from tasks_platform.broker.leased.scripts import text_of
from tasks_platform.broker.leased.storing import StoringChannel

#: So many messages are looked at in one step.
_CHUNK: Final = 500
#: What workers take meanwhile moves the others on: so far it is looked for them.
_MOVED_ON: Final = 200
_GONE: Final = b"\0"


@dataclass(kw_only=True, slots=True)
class Part:
    """Some of what waits in a queue, the oldest first; how many were *removed* says whoever removes some."""

    found: list[Found]
    #: The list, and between which places of it they stand; None: not due yet.
    key: str
    places: tuple[int, int] | None
    #: How many places fewer there are in front of the next part.
    removed: int = 0


class Sweeper:
    """Goes through one queue once; what is put there, or is moved on, meanwhile may be left out."""

    def __init__(self, channel: StoringChannel, queue: str) -> None:
        self._channel = channel
        self._names = channel.names
        self._queue = queue
        self._script = channel.server.register_script(text_of("take_many"))

    def parts(self) -> Iterator[Part]:
        """Yield all that waits: the ready ones of all priorities, the most urgent first, then those not due yet."""
        for step in self._channel.all_steps:
            yield from self._ready(step)
        yield from self._delayed()

    def cancel(self, part: Part, some: Sequence[Found], mark: str) -> list[Found]:
        """Take *some* of a part out, with a *mark* that says who has said so, and why; return those still there.

        They lie in the graveyard until ``Finder.settled`` says that all is given back what their jobs held.
        """
        if not some:
            return []
        names = self._names
        first, last = ("", "") if part.places is None else (part.places[0], min(-1, part.places[1] + _MOVED_ON))
        told = [text for one in some for text in (_id(one.raw), one.stands)]
        trimmed, *taken = self._script(
            keys=[part.key, names.graveyard, names.gone],
            args=[names.prefix, self._queue, mark, first, last, *told],
        )
        part.removed += int(trimmed) if part.places is not None else len(taken)
        return [some[int(number)] for number in taken]

    def _ready(self, step: int) -> Iterator[Part]:
        key, seen = self._names.ready(self._queue, step), 0
        while True:
            first, last = -(seen + _CHUNK), -(seen + 1)
            stored: Any = self._channel.server.lrange(key, first, last)
            found = [
                Found(state="ready", queue=self._queue, step=step, stands=raw, raw=raw)
                for raw in reversed(stored)
                if raw != _GONE
            ]
            part = Part(found=found, key=key, places=(first, last))
            yield part
            if len(stored) < _CHUNK:
                return
            seen += len(stored) - part.removed

    def _delayed(self) -> Iterator[Part]:
        key, seen = self._names.delayed(self._queue), 0
        while True:
            stored: Any = self._channel.server.zrange(key, seen, seen + _CHUNK - 1, withscores=True)
            part = Part(found=[_delayed(self._queue, *it) for it in stored], key=key, places=None)
            yield part
            if len(stored) < _CHUNK:
                return
            seen += len(stored) - part.removed


def _delayed(queue: str, member: bytes, due: float) -> Found:
    _, step, raw = [*member.split(b"|", 2), b"0", member][:3]
    number = int(step) if step.isdigit() else 0
    return Found(state="delayed", queue=queue, step=number, stands=member, raw=raw, due=int(due))


def _id(raw: bytes) -> str:
    try:
        return id_of(payload.read(raw))
    except payload.BadMessageError:
        return ""
