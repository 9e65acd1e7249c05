"""LevelConsumer: the messages of a worker, strictly by level, and no more of them than it can run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

from kombu import Consumer, Queue

from tasks_platform.broker.rabbitmq.arrival import arrived
from tasks_platform.broker.rabbitmq.levels import LEVELS, physical_name
from tasks_platform.broker.rabbitmq.topology import GRAVEYARD, graveyard, job_queue


class LevelConsumer(Consumer):
    """A consumer that asks for messages while there is room, and waits for them when there are none.

    1. While a job more could run, it asks one queue after the other, the highest level first, for a message.
    2. When all are empty, it subscribes to all of them: what is published from then on comes by itself.
    3. When there is no room left, it unsubscribes. What was on its way then goes back at once: a critical job
       must not wait behind a long one while another worker is idle. The server counts that as it counts deaths of
       workers, so of each queue no more than one message is ever on its way.

    Asked for is nothing before the worker is ready and says how much room it has.
    """

    # kombu's own, which it does not type
    channel: Any
    _queues: dict[str, Queue]

    def __init__(self, channel: Any, queues: Any = None, **options: Any) -> None:
        #: How many jobs the worker runs at once, and how many it has at present.
        self.slots: Callable[[], int] = int
        self.taken: Callable[[], int] = int
        #: The levels whose jobs are taken.
        self.levels: Collection[str] = LEVELS
        self._going = False
        self._asking = False
        #: The tags of subscriptions, by the queue on the server.
        self._subscriptions: dict[str, str] = {}
        #: Tags of subscriptions that were ended; what they had on its way may still come.
        self._ended: list[str] = []
        # a channel of its own: quorum queues take no limit that a channel's consumers share
        super().__init__(channel.channel(), queues, **options)

    def declare(self) -> None:
        """Declare the queues of all levels."""
        graveyard()(self.channel).declare()
        for physical in self._in_order():
            job_queue(physical)(self.channel).declare()

    def add_queue(self, queue: Queue) -> Queue:  # type: ignore[override]
        """Serve *queue*, too."""
        self._unsubscribe()
        self._queues[queue.name] = queue
        self.declare()
        return queue

    def cancel_by_queue(self, queue: str) -> None:  # type: ignore[override]
        """Serve *queue* no longer."""
        self._unsubscribe()
        self._queues.pop(queue, None)

    def consuming_from(self, queue: Queue | str) -> bool:
        """Tell whether *queue* is served."""
        return getattr(queue, "name", queue) in self._queues

    def consume(self, no_ack: bool | None = None) -> None:  # noqa: FBT001 - kombu's own
        """Begin to serve the queues; the first messages are asked for by `ask`."""
        self._going = True

    def cancel(self) -> None:
        """Stop serving the queues; what runs can still be acknowledged."""
        self._going = False
        self._unsubscribe()

    def close(self) -> None:
        """Stop, and give up the channel: what is not acknowledged goes back."""
        self.cancel()
        self.channel.close()

    def qos(self, *_: Any, **__: Any) -> None:
        """Leave alone how many messages may be on their way: the room says it."""

    def ask(self) -> None:
        """Take what there is room for; called whenever something has happened in the worker."""
        if not self._going or self._asking:
            return
        if self._subscriptions:
            self._stop_when_full()
            return
        self._asking = True
        try:
            while self._going and self._has_room():
                if (found := self._next()) is None:
                    self._subscribe()
                    break
                self._hand_over(*found)
        finally:
            self._asking = False

    def _has_room(self) -> bool:
        return self.taken() < self.slots()

    def _next(self) -> tuple[Any, str] | None:
        for physical in self._taken():
            if (raw := self.channel.basic_get(physical)) is not None:
                return raw, physical
        return None

    def _in_order(self, levels: Collection[str] = LEVELS) -> Iterator[str]:
        """Yield the queues on the server, the highest level first."""
        for level in LEVELS:
            for name in list(self._queues) if level in levels else ():
                yield physical_name(name, level)

    def _taken(self) -> Iterator[str]:
        yield from self._in_order(self.levels)
        yield GRAVEYARD

    def _subscribe(self) -> None:
        while self._ended:
            self.channel.callbacks.pop(self._ended.pop(), None)
        self.channel.basic_qos(0, 1, False)
        for physical in self._taken():
            self._subscribe_to(physical)

    def _subscribe_to(self, physical: str) -> None:
        # never the same tag again: while messages of the first are unacknowledged, the server mixes the two up
        # and closes the connection with INTERNAL_ERROR (RabbitMQ 3.10)
        tag = f"{physical}-{next(self._tags)}"  # type: ignore[attr-defined]
        on_delivery = partial(self._on_delivery, physical=physical)
        self.channel.basic_consume(physical, consumer_tag=tag, callback=on_delivery, nowait=True)
        self._subscriptions[physical] = tag

    def _unsubscribe(self) -> None:
        while self._subscriptions:
            _, tag = self._subscriptions.popitem()
            self.channel.basic_cancel(tag, nowait=True)
            self._ended.append(tag)

    def _subscribe_again(self, physical: str, tag: str) -> None:
        """Let the next message of a queue come, where the one that *tag* was for is here."""
        if self._subscriptions.get(physical) == tag:
            self.channel.basic_cancel(tag, nowait=True)
            self.channel.callbacks.pop(tag, None)
            self._subscribe_to(physical)

    def _on_delivery(self, raw: Any, physical: str) -> None:
        if not self._going or not self._has_room():
            self.channel.basic_reject(raw.delivery_tag, requeue=True)
            return
        if self.taken() + 1 >= self.slots():
            self._unsubscribe()
        else:
            self._subscribe_again(physical, raw.delivery_info["consumer_tag"])
        self._hand_over(raw, physical)

    def _stop_when_full(self) -> None:
        if not self._has_room():
            self._unsubscribe()

    def _hand_over(self, raw: Any, physical: str) -> None:
        self._receive_callback(arrived(raw, physical))
