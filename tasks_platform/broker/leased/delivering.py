"""DeliveringChannel: the part of a leased channel that hands on what was claimed, at once or when somebody is free."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.asking import Asked
from tasks_platform.broker.leased.pace import HORIZON, Pace, Slots
from tasks_platform.broker.leased.receiving import ReceivingChannel, Taken

#: The most messages that are claimed at once.
MOST: Final = 100
#: Seconds after which a message goes back that nobody here could begin with: others may, and what is urgent is first.
_PATIENCE: Final = 2 * HORIZON


class _Ahead(NamedTuple):
    """A message that was taken before anybody could begin with it, and when, in seconds of the monotonic clock."""

    taken: Taken
    message: dict[str, Any]
    since: float


class DeliveringChannel(ReceivingChannel):
    """A channel that delivers no more than its consumer can begin with, where the consumer says how much that is.

    Of messages that are done with quickly it takes some ahead, as many as were done with in the last milliseconds:
    they need not wait for an answer of the server. What it could not deliver after all goes back.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        #: What somebody can be at, where the limit of the channel does not say it all.
        self.slots: Callable[[], Slots] | None = None
        #: Calls something in so many seconds, in the event loop whose owner calls `deliver_ahead` when a slot becomes
        #: free; None: nothing is taken ahead.
        self.call_later: Callable[[float, Callable[[], object]], object] | None = None
        #: Whether the consumer has a queue, for those who are about to be free, and says itself with which messages
        #: somebody has begun.
        self.has_queue = False
        self._pace = Pace()
        self._ahead: deque[_Ahead] = deque()
        #: Whether `call_later` was asked to look after them.
        self._is_looked_after = False
        super().__init__(*args, **options)

    def _basic_cancel(self, consumer_tag: str) -> None:
        super()._basic_cancel(consumer_tag)
        self._return_ahead()

    def close(self) -> None:
        """Close the channel; what nobody has begun with goes back."""
        self._return_ahead()
        super().close()

    def deliver_ahead(self) -> int:
        """Deliver what was taken ahead, if somebody can begin with it, and return how many; soon the rest goes back."""
        delivered = 0
        if self._ahead and self._ahead[0].since < time.monotonic() - _PATIENCE:
            self._return_ahead()
        room = self._room() if self._ahead else 0
        while self._ahead and room > 0:
            taken, message, _ = self._ahead.popleft()
            tag = message["properties"]["delivery_tag"]
            if not self.lease.held.has(tag, taken.number):
                continue  # it was given to others meanwhile
            room -= 1
            try:
                self._begin(taken, message)
                delivered += 1
            except BaseException:
                if self.lease.held.is_idle(tag):
                    self.lease.give_back([tag])
                raise
        return delivered

    def _return_ahead(self) -> None:
        """Put back what nobody has begun with."""
        if self._ahead:
            tagged = [(one.message["properties"]["delivery_tag"], one.taken.number) for one in self._ahead]
            self._ahead.clear()
            self.lease.put_back(tag for tag, number in tagged if self.lease.held.has(tag, number))

    def _keep(self, taken: Taken, message: dict[str, Any]) -> None:
        """Keep what was taken ahead, for a moment."""
        self._ahead.append(_Ahead(taken, message, time.monotonic()))
        self._look_later()

    def _look_later(self) -> None:
        if self._ahead and self.call_later is not None and not self._is_looked_after:
            self._is_looked_after = True
            self.call_later(_PATIENCE, self._look_after)

    def _look_after(self) -> None:
        self._is_looked_after = False
        self.deliver_ahead()
        self._look_later()

    def _free(self, more: int = 0) -> int:
        """Return how many messages somebody can begin with, and so many *more*.

        Who sets no limit gets one at a time, as from kombu.
        """
        if self.slots is None:
            return max(1, min(self.qos.can_consume_max_estimate() or 1, MOST))
        total, taken = self.slots()
        free = total + more - taken
        if limit := self.qos.prefetch_count:
            free = min(free, limit + more - self._unacknowledged)
        return max(0, min(free, MOST))

    @property
    def _unacknowledged(self) -> int:
        return len(self.qos._delivered) - len(self.qos._dirty)  # noqa: SLF001 - as kombu counts

    @property
    def is_half_empty(self) -> bool:
        """Whether so much of what was delivered is done with that more may be delivered."""
        if self.slots is None:
            return True
        total, taken = self.slots()
        return taken <= max(total, (total + self._queued) // 2)

    @property
    def _queued(self) -> int:
        return self._pace.queued(time.monotonic()) if self.has_queue else 0

    def _room(self) -> int:
        """Return how many messages may be delivered now."""
        return self._free(self._queued)

    def _wanted(self) -> tuple[int, int]:
        """Return how many messages to claim for free slots, and how many for those that will be free soon."""
        free = 0 if self._ahead else self._free()
        if self.slots is None or self.call_later is None:
            return free, 0
        taken = max(self.slots().taken, self._unacknowledged)  # those that wait for a rate have no slot
        target, have = self._pace.ahead(time.monotonic(), taken), len(self._ahead)
        return free, target - have if have <= target // 2 else 0

    def _hand_on(self, asked: Asked, now: int, found: list[Any]) -> None:
        """Deliver what was claimed; when that fails, the rest goes back as it was."""
        trouble: BaseException | None = None
        back: list[str] = []
        failed: list[str] = []
        room = self._room()
        for place, step, number, raw in zip(found[::4], found[1::4], found[2::4], found[3::4], strict=True):
            queue = asked.queues[place - 1]
            taken = Taken(queue, int(step), number, raw, queue not in asked.no_ack, number >= asked.ahead_from)
            if (message := self._received(taken, now)) is None:
                continue
            tag = message["properties"]["delivery_tag"]
            if self._closing or queue not in self._active_queues or trouble is not None:
                back.append(tag)
                continue
            if taken.recorded and self.call_later is not None and (self._ahead or room < 1):
                self._keep(taken, message)
                continue
            room -= 1
            try:
                self._begin(taken, message)
            except BaseException as error:  # noqa: BLE001 - raised again, when the others are safe
                trouble = error
                if self.lease.held.is_idle(tag):
                    failed.append(tag)
        self.lease.put_back(back)
        self.lease.give_back(failed)
        try:
            if trouble is not None:
                raise trouble
        finally:
            trouble = None  # else error and frame keep each other, and the message, alive

    def _begin(self, taken: Taken, message: dict[str, Any]) -> None:
        """Deliver a message."""
        if taken.recorded and not self.has_queue:
            self.lease.begun(message["properties"]["delivery_tag"])
        if self.call_later is not None:
            self._pace.began(time.monotonic())
        self._queue_cycle.rotate(taken.queue)
        try:
            self.connection._deliver(message, taken.queue)  # noqa: SLF001 - as kombu does
        except payload.BadMessageError as bad:
            self._bury(taken, bad, message["properties"]["delivery_tag"])
