"""Where a claimed message goes that was not acknowledged."""

from __future__ import annotations

from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.broker.leased.held import Claim
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.payload import BadMessageError, returned
from tasks_platform.broker.leased.publishing import member_of
from tasks_platform.broker.leased.scripts import Move, Where


def moved(claim: Claim, where: Where) -> Move:
    """Return the move of a claim that goes back into its list, if it can be marked as redelivered."""
    try:
        return Move(claim.number, where, claim.list, returned(claim.raw)[0], claim.queue, claim.job_id)
    except BadMessageError as bad:
        what = Buried(reason="unreadable", detail=str(bad), queue=claim.queue, raw=claim.raw)
        return buried(claim.number, what, claim.job_id)


def buried(number: int, what: Buried, job_id: str) -> Move:
    """Return the move of a claim that goes to the graveyard."""
    return Move(number, "graveyard", b"", what.write(), what.queue, job_id)


def postponed(claim: Claim, names: Names, due: int) -> Move:
    """Return the move of a claim whose message is not due yet, in ms since 1970."""
    member = member_of(names.step_of(claim.queue, claim.list), claim.raw.decode(), claim.job_id)
    delayed = names.delayed(claim.queue).encode()
    return Move(claim.number, due, delayed, member.encode(), claim.queue, claim.job_id)
