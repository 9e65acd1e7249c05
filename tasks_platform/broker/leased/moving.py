"""Moving: a job that is to run again puts its own message back into a queue, changed, in place of a copy."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

import redis

from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.scripts import text_of

log = logging.getLogger(__name__)
#: The key of a message's ``delivery_info`` that says which claim it is: ``<number>@<worker>``.
CLAIM: Final = "claim"
_moving: ContextVar[Move | None] = ContextVar("moving", default=None)


@dataclass(frozen=True, slots=True)
class Move:
    """The next message that is published takes the place of a claimed one."""

    number: int
    worker: str
    #: The same when it is published again because an answer was lost.
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def make(self, server: redis.Redis, names: Names, key: str, stored: str, due: int | None, wake: str) -> None:  # noqa: PLR0913, PLR0917
        """Put the message *stored* under *key*, unless the claim is another worker's by now."""
        script = server.register_script(text_of("defer"))
        moved = script(
            keys=[names.claimed(self.worker), key, wake],
            args=[self.number, self.name, stored, "" if due is None else due],
        )
        if not moved:
            log.warning("a message is not put back by %s: it was given to another worker meanwhile", self.worker)


@contextmanager
def in_place_of(claim: str | None) -> Iterator[None]:
    """Let the message that is published in the block take the place of *claim*, if it is one of a leased broker."""
    number, _, worker = (claim or "").partition("@")
    token = _moving.set(Move(int(number), worker) if worker else None)
    try:
        yield
    finally:
        _moving.reset(token)


def current_move() -> Move | None:
    """Return the claim whose place the next message takes, if any."""
    return _moving.get()
