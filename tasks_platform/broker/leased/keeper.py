"""Keeper: the thread of a lease."""

from __future__ import annotations

import gc
import logging
import math
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, NamedTuple

import redis

from tasks_platform.broker.leased.moves import moved
from tasks_platform.broker.leased.reaper import recover, split
from tasks_platform.broker.leased.scripts import Move, Scripts, Settled
from tasks_platform.broker.leased.tolerance import Tolerance
from tasks_platform.broker.leased.undelivered import Undelivered
from tasks_platform.broker.leased.unpatched import Empty, SimpleQueue, allocate_lock, sleep, start_thread

if TYPE_CHECKING:
    from tasks_platform.broker.leased.lease import Lease

log = logging.getLogger(__name__)
_TROUBLE: Final = (redis.RedisError, OSError)
#: A lease is kept this often in its time.
_BEATS: Final = 3
#: Seconds until a server that was away is asked again.
_PAUSE: Final = 0.5
#: Seconds for which a server may be away before a process that has nothing of it forgets it.
_GIVE_UP: Final = 60.0
#: Seconds at least between two looks.
_SOON: Final = 0.1
#: Seconds between two deliveries at least, while messages are worked on: what comes in between is done in one step.
_GATHER: Final = 0.01
#: How often it is looked for messages that nobody works on, when a channel has closed.
_SWEEPS: Final = 3


class _Begun(NamedTuple):
    """Somebody has begun with the message of a claim."""

    number: int


class _Nudge(NamedTuple):
    """The server is to hear something at a moment, in seconds of the monotonic clock."""

    moment: float


#: What the thread is told: somebody has begun with a claim, nudge the server, acknowledge a claim, look at a message
#: that nobody knows, move messages, or (None) end.
_Order = _Begun | _Nudge | Settled | str | list[Move] | None


class Keeper:
    """Keeps a lease, acknowledges, gives back what nobody works on, and recovers what dead workers had.

    It runs in a thread of the system, so that neither a busy event loop nor a worker that sleeps in a signal handler
    ends the lease. Only code that keeps the interpreter to itself for longer than the lease does.
    """

    def __init__(self, lease: Lease, connect: Callable[[], Scripts], delivery_limit: int) -> None:
        self._lease = lease
        self._connect = connect
        self._delivery_limit = delivery_limit
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._runs = False
        self._gate = allocate_lock()
        self._ended = SimpleQueue[None]()
        self._tolerance = Tolerance()
        self._undelivered = Undelivered(lease, self._tolerance)
        #: Before this, in seconds of the monotonic clock, no other worker is taken for dead; None: not known yet.
        self._patient_until: float | None = None
        self._next_look = 0.0
        #: When the server is to be nudged: one with nothing to do ends the waiting of its clients at its next tick,
        #: up to 100 ms late; it looks at them whenever anybody says anything.
        self._nudge_at = math.inf
        self._delivered_at = 0.0
        self._in_trouble = False
        self._in_trouble_since = 0.0
        self._sweeps = 0

    def do_first(self, first: Callable[[], Collection[str]]) -> None:
        """Call *first* before messages are acknowledged; it returns the jobs whose messages are not to be, yet."""
        self._undelivered.first = first

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._gate:
            if not self._runs:
                self._runs = True
                ended = self._ended = SimpleQueue[None]()
                start_thread(lambda: self._run(ended))

    def settle(self, claim: Settled, *, again: bool = False) -> None:
        """Acknowledge a claim; *again* if the server may have heard of it before."""
        if again:
            self._undelivered.repeated.add(claim.number)
        self._orders.put(claim)
        # without a lock, which threads would wait for with every message; in this order, or nobody might take the order
        if not self._runs:
            self.start()

    def begun(self, number: int) -> None:
        """Say that somebody has begun with a message."""
        self._orders.put(_Begun(number))

    def nudge_at(self, moment: float) -> None:
        """Say something to the server at a *moment* of the monotonic clock."""
        self.start()
        self._orders.put(_Nudge(moment))

    def move(self, moves: list[Move]) -> None:
        """Move messages out of this worker's claims."""
        self.start()
        self._orders.put(moves)

    def dropped(self, tag: str) -> None:
        """Nobody knows the message *tag* any more; may be called at any time, in the middle of anything."""
        self._orders.put(tag)

    def sweep(self) -> None:
        """Look a few times for messages that only refer to themselves: nobody works on them."""
        self._sweeps = _SWEEPS

    def stop(self) -> None:
        """End the thread; what it has not done is left to `finish`."""
        if self._runs:
            self._orders.put(None)
            try:
                self._ended.get(timeout=self._lease.seconds)
            except Empty:  # it hangs at a server that is away
                log.warning("the thread of the lease does not end; its messages are recovered when the lease ends")
            self._runs = False

    def finish(self, scripts: Scripts) -> None:
        """Do what is still to be done, in the caller's thread, if the server takes it."""
        while not self._orders.empty():
            self._take(self._orders.get_nowait())
        try:
            self._deliver(scripts)
        except _TROUBLE as trouble:
            log.warning("%d acknowledgements could not be sent: %r", len(self._undelivered.settled), trouble)

    def _run(self, ended: SimpleQueue[None]) -> None:
        scripts = self._connect()
        goes_on = True
        while goes_on:
            try:
                goes_on = self._listen()
                if time.monotonic() >= self._nudge_at:
                    self._nudge_at = math.inf
                    scripts.client.ping()
                # the lease first: what is refused below must not cost it
                seen = self._look(scripts) if goes_on and time.monotonic() >= self._next_look else None
                self._deliver(scripts)
                if seen is not None:
                    self._care(scripts, *seen)
                self._in_trouble = False
            except _TROUBLE as trouble:
                goes_on = goes_on and not self._bear(trouble)
            except Exception:
                log.exception("the thread of the lease goes on")
                sleep(_PAUSE)
        scripts.close()
        ended.put(None)

    def _listen(self) -> bool:
        """Take orders until there are none, or it is time for a look; False when it is time to end."""
        wait = max(0.0, min(self._next_look, self._nudge_at) - time.monotonic())
        if self._undelivered:
            wait = min(wait, _PAUSE)
        try:
            goes_on = self._take(self._orders.get(timeout=wait))
        except Empty:
            return True
        if (pause := self._delivered_at + _GATHER - time.monotonic()) > 0 and len(self._lease.held):
            sleep(pause)  # there is more to come
        while goes_on and not self._orders.empty() and not self._undelivered.is_much:
            goes_on = self._take(self._orders.get_nowait())
        return goes_on

    def _take(self, order: _Order) -> bool:
        if isinstance(order, Settled):
            self._undelivered.settle(order)
        elif isinstance(order, _Begun):
            self._undelivered.begun.add(order.number)
        elif isinstance(order, _Nudge):
            self._nudge_at = min(self._nudge_at, order.moment)
        elif isinstance(order, str):
            if self._lease.held.is_idle(order) and (claim := self._lease.held.take(order)) is not None:
                self._undelivered.moves.append(moved(claim, "head"))
        elif order is not None:
            self._undelivered.moves += order
        return order is not None

    def _deliver(self, scripts: Scripts) -> None:
        if self._undelivered:
            self._undelivered.deliver(scripts, is_repetition=self._in_trouble)
            self._delivered_at = time.monotonic()

    def _look(self, scripts: Scripts) -> tuple[frozenset[int], tuple[str, ...]]:
        """Keep the lease; return claims that went astray, and workers whose leases have ended."""
        if self._sweeps:
            self._sweeps -= 1
            gc.collect()
        held = self._lease.held
        known = held.numbers()
        seen = scripts.tend(self._lease.seconds)
        beat = self._lease.seconds / _BEATS
        ends_in = max(_SOON, (seen.next_end - seen.now) / 1000 + 0.01) if seen.next_end else beat
        self._next_look = time.monotonic() + min(beat, ends_in)
        if known and not seen.kept:
            self._lease.count_lost(len(held.lost(seen.numbers, known)))
        return held.strays(seen.numbers, self._lease.seconds), seen.dead

    def _care(self, scripts: Scripts, strays: frozenset[int], ended: tuple[str, ...]) -> None:
        """Give back what went astray, move what is due, and recover what dead workers had.

        What the server refuses of it (a right is missing, a key holds something else) does not keep the rest waiting.
        """
        if strays:
            self._tolerance.unless_refused("messages that went astray", lambda: self._return_strays(scripts, strays))
        if (asked := self._lease.asked) is not None and len(self._lease.held):
            # nobody else may look as long as all are busy
            self._tolerance.unless_refused("delayed messages", lambda: scripts.promote(asked))
        now = time.monotonic()
        if self._patient_until is None:
            # those who waited for a server that has just started are about to say that they live
            self._patient_until = now + self._lease.seconds
            self._tolerance.unless_refused("the server's uptime", lambda: self._be_impatient(scripts.uptime()))
        if now < self._patient_until:
            self._next_look = min(now + self._lease.seconds / _BEATS, max(self._next_look, self._patient_until))
            return
        for worker in ended:
            if worker != self._lease.worker:
                what = f"what the worker {worker} had"
                self._tolerance.unless_refused(what, lambda dead=worker: recover(scripts, dead, self._delivery_limit))  # type: ignore[misc]

    def _be_impatient(self, uptime: float) -> None:
        if self._patient_until is not None:
            self._patient_until -= uptime

    def _return_strays(self, scripts: Scripts, numbers: frozenset[int]) -> None:
        log.warning("%d messages were claimed for this worker in an answer that was lost; they go back", len(numbers))
        claims = scripts.claims_of(self._lease.worker)
        recorded = [(number, claims[number]) for number in sorted(numbers, reverse=True) if number in claims]
        scripts.move(self._lease.worker, [_untouched(number, value) for number, value in recorded])

    def _bear(self, trouble: Exception) -> bool:
        """Wait for a server in trouble; True if nobody needs it any more.

        When it is back, the other workers are given time to say that they live.
        """
        now = time.monotonic()
        if not self._in_trouble:
            matters = not self._lease.held.is_empty
            log.log(logging.WARNING if matters else logging.DEBUG, "the lease cannot be kept just now: %r", trouble)
            self._in_trouble_since = now
        self._in_trouble = True
        if now - self._in_trouble_since > self._lease.seconds / _BEATS / 2:  # else no lease ends of it
            self._patient_until = now + self._lease.seconds
        self._next_look = now
        with self._gate:
            if now - self._in_trouble_since > _GIVE_UP and self._lease.held.is_empty:
                self._runs = False  # it is started again with the next claim
                self._runs = not self._orders.empty()
                self._in_trouble = self._runs
                if not self._runs:
                    return True
        sleep(_PAUSE)
        return False


def _untouched(number: int, recorded: bytes) -> Move:
    where, message = split(recorded)
    return Move(number, "head" if where else "nowhere", where, message)
