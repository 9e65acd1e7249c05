"""What has to exist on the server. Whoever comes first declares it: a producer as well as a worker."""

from __future__ import annotations

from typing import Any, Final

from kombu import Queue
from kombu.abstract import MaybeChannelBound
from kombu.transport.native_delayed_delivery import (
    CELERY_DELAYED_DELIVERY_EXCHANGE,
    MAX_NUMBER_OF_BITS_TO_USE,
    declare_native_delayed_delivery_exchanges_and_queues,
    level_name,
)

#: Where messages go that the server gives up. Workers make dead letters of them.
GRAVEYARD: Final = "tasks-platform.undeliverable"
#: How often a message may come back undone (a worker died of it, again and again) before it is given up.
DELIVERY_LIMIT: Final = 20
#: The first exchange of Celery's delays, a ladder of 28 queues: a message passes those that add up to its delay.
DELAYS: Final = level_name(MAX_NUMBER_OF_BITS_TO_USE - 1)

_QUORUM: Final = {"x-queue-type": "quorum"}
#: Given up at least once: the message stays where it was until the graveyard has it.
_GIVES_UP: Final = {
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": GRAVEYARD,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
#: RabbitMQ 4 gives a quorum queue a limit of its own, and drops what reaches it.
_NEVER_GIVES_UP: Final = {"x-delivery-limit": 1_000_000}


def graveyard() -> Queue:
    """Return the queue of messages that were given up."""
    return Queue(GRAVEYARD, queue_arguments={**_QUORUM, **_NEVER_GIVES_UP})


def job_queue(name: str) -> Queue:
    """Return a queue of jobs by its name on the server."""
    return Queue(name, queue_arguments={**_QUORUM, **_GIVES_UP})


class DelayedWay(MaybeChannelBound):
    """The ladder of delays, and its way into one queue."""

    #: The queue on the server.
    name: str
    attrs = (("name", None),)
    can_cache_declaration = True

    def __hash__(self) -> int:
        return hash(f"D|{self.name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DelayedWay) and other.name == self.name

    def declare(self, channel: Any = None) -> None:
        """Make what is missing of it."""
        channel = channel or self.channel
        declare_native_delayed_delivery_exchanges_and_queues(channel.connection.client, "quorum")
        # exactly, not by "#.name": a name may be the end of another one
        exactly = "*." * MAX_NUMBER_OF_BITS_TO_USE + self.name
        channel.queue_bind(queue=self.name, exchange=CELERY_DELAYED_DELIVERY_EXCHANGE, routing_key=exactly)
