"""Lease: what a process has of a broker, kept alive by a thread as long as the process lives."""

from __future__ import annotations

import atexit
import gc
import logging
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import redis

from tasks_platform.broker.leased.graveyard import Buried, Reason
from tasks_platform.broker.leased.held import Claim, Held
from tasks_platform.broker.leased.keeper import Keeper
from tasks_platform.broker.leased.moves import buried, moved, postponed
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.scripts import Move, Scripts, Where

if TYPE_CHECKING:
    from tasks_platform.broker.leased.asking import Asked

log = logging.getLogger(__name__)
#: What a server that is away, or not ready, answers with.
TROUBLE = (redis.RedisError, OSError)
#: Seconds by which a server is nudged later than somebody's waiting ends: it was told of that a bit later.
_A_BIT = 0.003


class Lease:
    """What this process has claimed at one broker.

    It outlives the channels and connections over which messages were claimed: while a message is known to anybody in
    this process, it is being worked on, whatever becomes of the connection. A message that nobody knows any more
    and that was not acknowledged goes back to its queue.
    """

    _all: ClassVar[dict[tuple[Any, ...], Lease]] = {}
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, connect: Callable[[], redis.Redis], names: Names, seconds: float, delivery_limit: int) -> None:
        self.names = names
        #: How long a worker that died keeps what it had.
        self.seconds = seconds
        #: This process, as others see it: a name that no other has had.
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        #: How many claims were lost to others because this process did not run for longer than its lease.
        self.lost = 0
        self._pid = os.getpid()
        self.scripts = Scripts(connect(), names, self.worker)
        self._keeper = Keeper(self, lambda: Scripts(connect(), names, self.worker), delivery_limit)
        self.held = Held(self._keeper.dropped)
        #: The last claim that was asked for.
        self.asked: Asked | None = None
        #: Whether something is done before messages are acknowledged: the thread does it.
        self._is_preceded = False
        #: Whether it has given back everything.
        self.ended = False

    @classmethod
    def of_process(cls, key: tuple[Any, ...], make: Callable[[], Lease]) -> Lease:
        """Return the lease of this process (not of the one it was forked from) at the broker *key*."""
        with cls._guard:
            mine = (os.getpid(), *key)
            if (lease := cls._all.get(mine)) is None or lease.ended:
                lease = cls._all[mine] = make()
                atexit.register(lease.end)
            return lease

    @classmethod
    def end_all(cls) -> bool:
        """Give back all that this process has, at any broker; False if it had no lease."""
        with cls._guard:
            mine = [lease for (pid, *_), lease in cls._all.items() if pid == os.getpid() and not lease.ended]
        for lease in mine:
            lease.end()
        return bool(mine)

    def begin(self, count: int, *, recorded: bool) -> range:
        """Return the numbers of the next *count* claims; the first that are *recorded* start the thread."""
        numbers = self.held.number(count)
        if recorded:
            self._keeper.start()
        return numbers

    def precede(self, first: Callable[[], Collection[str]]) -> None:
        """Call *first* before messages are acknowledged; those of the jobs that it returns are not, yet."""
        self._keeper.do_first(first)
        self._is_preceded = True

    def nudge_in(self, seconds: float) -> None:
        """See to it that the server does not sleep on when somebody has waited for it for so many *seconds*."""
        self._keeper.nudge_at(time.monotonic() + seconds + _A_BIT)

    def look_again(self, numbers: range) -> None:
        """Keep the lease, and expect those of the claims with these *numbers* no more that others have by now."""
        recorded = self.scripts.tend(self.seconds).numbers
        self.held.came(number for number in numbers if number not in recorded)

    def begun(self, tag: str) -> None:
        """Say that somebody has begun with a message that was taken ahead: if this process dies, it dies with it."""
        if (number := self.held.begin(tag)) is not None:
            self._keeper.begun(number)

    def settle(self, tag: str, *, later: bool) -> None:
        """Acknowledge a message; *later* leaves it to the thread, which does many in one step.

        A server that is away is told when it is back.
        """
        if (claim := self.held.take(tag)) is None:
            return
        if later or self._is_preceded:
            self._keeper.settle(claim.settled)
            return
        try:
            had = self.scripts.settle([claim.settled])
        except TROUBLE as trouble:
            log.warning("an acknowledgement could not be sent, and will be: %r", trouble)
            self._keeper.settle(claim.settled, again=True)
        else:
            self.held.gone(claim.number)
            self.count_lost(1 - had)

    def give_back(self, tags: Iterable[str], where: Where = "head") -> None:
        """Put messages back into their lists, marked as redelivered."""
        self.move([moved(claim, where) for claim in self._leaving(tags)])

    def put_back(self, tags: Iterable[str]) -> None:
        """Put messages back into their lists as they were: nobody was given them."""
        self.move(
            [
                Move(claim.number, "head", claim.list, claim.raw, claim.queue, claim.job_id)
                for claim in self._leaving(tags)
            ]
        )

    def _leaving(self, tags: Iterable[str]) -> list[Claim]:
        """Take out those claims of *tags* that are here, last first: the last one put at the head is the first."""
        return [claim for tag in tags if (claim := self.held.take(tag)) is not None][::-1]

    def bury(self, tag: str, reason: Reason, detail: str) -> None:
        """Move a message to the graveyard."""
        if (claim := self.held.take(tag)) is not None:
            what = Buried(reason=reason, detail=detail, queue=claim.queue, raw=claim.raw)
            self.move([buried(claim.number, what, claim.job_id)])

    def postpone(self, tag: str, seconds: float) -> None:
        """Put a message, as it was, among those of its queue that are not due yet."""
        if (claim := self.held.take(tag)) is not None:
            due = math.ceil((time.time() + seconds) * 1000)
            self.move([postponed(claim, self.names, due)])

    def move(self, moves: list[Move]) -> None:
        """Move messages out of this worker's claims; while the server is away, as soon as it is back."""
        if not moves:
            return
        try:
            done = self.scripts.move(self.worker, moves)
        except TROUBLE as trouble:
            log.warning("%d messages could not be given back, and will be: %r", len(moves), trouble)
            self.held.leaves(*(move.number for move in moves))
            self._keeper.move(moves)
        else:
            self.held.gone(*(move.number for move in moves))
            self.count_lost(len(moves) - done)

    def released(self, tags: Iterable[str]) -> None:
        """Give back those messages of a channel that has closed on which nobody works."""
        tags = [tag for tag in tags if tag in self.held]
        if not all(map(self.held.is_idle, tags)):
            gc.collect()  # what only refers to itself is known to nobody
        if idle := [tag for tag in tags if self.held.is_idle(tag)]:
            log.info("giving back %d messages that nobody works on", len(idle))
            self.give_back(idle)
        if len(idle) < len(tags):
            self._keeper.sweep()  # an error that is being handled may know them, and not for long

    def count_lost(self, number: int) -> None:
        """Say that messages which were worked on here had been given to others."""
        if number > 0:
            self.lost += number
            log.warning(
                "%d messages had been given to other workers: this process (%s) did not run for longer than its lease "
                "of %g s, or could not reach the server; what it ran of them may have run twice",
                number,
                self.worker,
                self.seconds,
            )

    def end(self) -> None:
        """Acknowledge what is to be acknowledged, and give the rest back: the process ends."""
        if self.ended or os.getpid() != self._pid:
            return
        self.ended = True
        self._keeper.stop()
        self._keeper.finish(self.scripts)
        self.give_back(self.held.tags())
        self.scripts.close()
