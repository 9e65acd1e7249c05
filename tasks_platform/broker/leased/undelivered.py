"""Undelivered: what a worker has done, and its server does not know yet."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from tasks_platform.broker.leased.scripts import Move, Scripts, Settled

if TYPE_CHECKING:
    from tasks_platform.broker.leased.lease import Lease
    from tasks_platform.broker.leased.tolerance import Tolerance

#: The most that is done in one step.
_BATCH: Final = 500


class Undelivered:
    """What a worker has begun with, acknowledged and moved; it is delivered in few steps, whatever came together."""

    def __init__(self, lease: Lease, tolerance: Tolerance) -> None:
        self._lease = lease
        self._tolerance = tolerance
        #: What is done before messages are acknowledged; it returns the jobs whose messages are not to be, yet.
        self.first: Callable[[], Collection[str]] = tuple
        #: Claims that somebody has begun with.
        self.begun: set[int] = set()
        self.settled: list[Settled] = []
        #: Claims whose acknowledgement the server may have heard before.
        self.repeated: set[int] = set()
        self.moves: list[Move] = []

    def __bool__(self) -> bool:
        return bool(self.begun or self.settled or self.moves)

    @property
    def is_much(self) -> bool:
        """Whether it should be delivered before more is added."""
        return len(self.settled) >= _BATCH

    def settle(self, claim: Settled) -> None:
        """Add the acknowledgement of a claim."""
        self.settled.append(claim)
        self.begun.discard(claim.number)

    def deliver(self, scripts: Scripts, *, is_repetition: bool) -> None:
        """Tell the server; what is left when that raises is told the next time.

        In a *repetition* an answer may have been lost, and messages be settled for the second time.
        """
        self._settle_all(scripts, is_repetition=is_repetition)
        while moves := self.moves[:_BATCH]:
            scripts.move(self._lease.worker, moves)
            del self.moves[: len(moves)]
            self._lease.held.gone(*(move.number for move in moves))
        if self.begun:
            self._tolerance.unless_refused("what was begun with", lambda: scripts.begin(self.begun))
            self.begun.clear()  # not before: a server that is away hears of it when it is back

    def _settle_all(self, scripts: Scripts, *, is_repetition: bool) -> None:
        ready = len(self.settled)
        if ready and (late := self.first()):
            self.settled.sort(key=lambda claim: claim.job_id in late)
            ready = sum(claim.job_id not in late for claim in self.settled)
        while batch := self.settled[: min(ready, _BATCH)]:
            ready -= len(batch)
            begun = list(self.begun)[:_BATCH]
            had = scripts.settle(batch, begun)
            del self.settled[: len(batch)]
            self.begun.difference_update(begun)
            numbers = [claim.number for claim in batch]
            self._lease.held.gone(*numbers)
            repeated = len(self.repeated.intersection(numbers))
            self.repeated.difference_update(numbers)
            if not is_repetition:
                self._lease.count_lost(len(batch) - had - repeated)
