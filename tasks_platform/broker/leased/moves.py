"""Where a claimed message goes that was not acknowledged."""

from __future__ import annotations

from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.broker.leased.held import Claim
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.payload import BadMessageError, returned
from tasks_platform.broker.leased.publishing import Place, member_of
from tasks_platform.broker.leased.scripts import Move, Where


def moved(claim: Claim, where: Where) -> Move:
    """Return the move of a claim that goes back into its list, if it can be marked as redelivered."""
    try:
        return Move(claim.number, where, claim.list, returned(claim.raw)[0])
    except BadMessageError as bad:
        return buried(claim.number, Buried(reason="unreadable", detail=str(bad), queue=claim.queue, raw=claim.raw))


def buried(number: int, what: Buried) -> Move:
    """Return the move of a claim that goes to the graveyard."""
    return Move(number, "graveyard", b"", what.write())


def postponed(number: int, names: Names, place: Place, raw: bytes, due: int) -> Move:
    """Return the move of a claim whose message is not due yet: somebody put it there who knows of no delays."""
    return Move(number, due, names.delayed(place.queue).encode(), member_of(place.step, raw.decode()).encode())
