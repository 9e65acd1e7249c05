"""Recover what a worker had that is dead: its messages go back to the heads of their lists, or to the graveyard."""

from __future__ import annotations

import logging
from typing import Final

from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.payload import BadMessageError, read, returned, who_died
from tasks_platform.broker.leased.publishing import id_of
from tasks_platform.broker.leased.scripts import Move, Scripts

log = logging.getLogger(__name__)
_BATCH: Final = 100


def recover(scripts: Scripts, worker: str, delivery_limit: int) -> int:
    """Move the messages that *worker* had, unless it turns out to be alive; return how many were moved.

    The oldest comes first again. A message that *delivery_limit* workers died with goes to the graveyard.
    """
    ahead = scripts.ahead_of(worker)  # first: what is begun with meanwhile had better not count
    claims = scripts.claims_of(worker)
    moves = [
        recovered(scripts.names, number, claims[number], worker, delivery_limit, begun=number not in ahead)
        for number in sorted(claims, reverse=True)
    ]
    total = 0
    for first in range(0, max(len(moves), 1), _BATCH):  # also when it had nothing: then its lease is forgotten
        moved = scripts.move(worker, moves[first : first + _BATCH])
        if moved < 0:
            return total
        total += moved
    if total:
        log.warning("recovered %d messages of the worker %s, which is dead", total, worker)
    return total


def recovered(  # noqa: PLR0913 - what is to be known of one message
    names: Names, number: int, recorded: bytes, worker: str, delivery_limit: int, *, begun: bool
) -> Move:
    """Return where a message goes that *worker* had, and had *begun* with or not."""
    where, raw = split(recorded)
    if not where:
        return Move(number, "nowhere", b"", b"")  # it was put elsewhere by the job itself
    try:
        message, deaths = returned(raw, from_dead=worker, begun=begun)
    except BadMessageError as bad:
        what = Buried(reason="unreadable", detail=str(bad), queue=where.decode(errors="replace"), raw=raw)
        return Move(number, "graveyard", b"", what.write())
    if deaths < delivery_limit:
        return Move(number, "head", where, message)
    what = Buried(
        reason="delivery-limit",
        detail=f"{deaths} workers died with it",
        queue=where.decode(errors="replace"),
        raw=raw,
        deaths=deaths,
        workers=who_died(message),
    )
    return Move(number, "graveyard", b"", what.write(), names.queue_of(where), id_of(read(message)))


def split(recorded: bytes) -> tuple[bytes, bytes]:
    """Return list and message of a recorded claim; both empty if the message was moved elsewhere."""
    where, _, raw = recorded.partition(b"\0")
    return where, raw
