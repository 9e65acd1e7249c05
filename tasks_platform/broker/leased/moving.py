"""Moving: a job that is to run again puts its own message back into a queue, changed, in place of a copy."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import redis

from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.payload import HELD
from tasks_platform.broker.leased.publishing import Place, id_of, stored
from tasks_platform.broker.leased.scripts import text_of

log = logging.getLogger(__name__)
#: The key of a message's ``delivery_info`` that says which claim it is: ``<number>@<worker>``.
CLAIM: Final = "claim"
_UNKNOWN: Final = -1
_moving: ContextVar[Move | None] = ContextVar("moving", default=None)


@dataclass(frozen=True, slots=True)
class Move:
    """The next message of a job takes the place of the one that was claimed, once in each queue that it goes to."""

    job_id: str
    number: int
    worker: str

    def make(self, server: redis.Redis, names: Names, place: Place, message: Mapping[str, Any]) -> bool:
        """Put *message* into its queue, unless the claim is another worker's by now.

        False if this server knows nothing of the claim, so that the message has to be published.
        """
        key, text, due = stored(names, place, message)
        wake = names.wake(place.queue, place.step)
        moved: Any = server.register_script(text_of("defer"))(
            keys=[names.claimed(self.worker), key, wake, names.dead],
            args=[
                *(self.number, self.worker, place.queue, text, "" if due is None else due),
                *(names.prefix, id_of(message), int(HELD in (message.get("headers") or {}))),
            ],
        )
        if moved == _UNKNOWN:
            log.warning("the broker knows nothing of the claim of %s: its message is published anew", self.job_id)
            return False
        if not moved:
            log.warning("the message of %s is not put back by %s: another has it", self.job_id, self.worker)
        return True


@contextmanager
def in_place_of(claim: str | None, job_id: str) -> Iterator[None]:
    """Let what is published of the job in the block take the place of *claim*, if that is one of a leased broker.

    Messages of other jobs are published as ever: handlers of signals send some.
    """
    number, _, worker = (claim or "").partition("@")
    token = _moving.set(Move(job_id, int(number), worker) if worker else None)
    try:
        yield
    finally:
        _moving.reset(token)


def move_of(message: Mapping[str, Any]) -> Move | None:
    """Return what lets *message* take the place of a claimed one, if it is to do so."""
    move = _moving.get()
    is_its_own = move is not None and (message.get("headers") or {}).get("id") == move.job_id
    return move if is_its_own else None


def is_moved(message: Any) -> bool:
    """Tell whether the job of *message*, which was received here, has put it back by itself: that is settled then."""
    lease = getattr(message.channel, "own_lease", None)
    number, _, worker = str((message.delivery_info or {}).get(CLAIM)).partition("@")
    if lease is None or worker != lease.worker:
        return False  # another broker, or nobody has claimed it
    recorded: Any = lease.scripts.client.hget(lease.names.claimed(worker), number)
    return recorded is not None and recorded.startswith(b"\0")
