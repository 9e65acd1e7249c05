"""RabbitAMQP: Celery's way to send, to the queue of a level, and past the workers while a job is not due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from math import floor
from typing import Any

from amqp.exceptions import ChannelError
from celery.app.amqp import AMQP
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError
from kombu.transport.native_delayed_delivery import MAX_NUMBER_OF_BITS_TO_USE, calculate_routing_key

from tasks_platform.broker.rabbitmq.consumer import LevelConsumer
from tasks_platform.broker.rabbitmq.levels import level_of, physical_name
from tasks_platform.broker.rabbitmq.topology import DELAYS, DelayedWay, graveyard, job_queue

#: Seconds that fit into the ladder of delays, eight years; then a message goes through it again.
_LONGEST = 2**MAX_NUMBER_OF_BITS_TO_USE - 1
_NO_ROUTE = 312


class RabbitAMQP(AMQP):
    """Celery's AMQP on quorum queues.

    1. A message goes to the queue of its level, which is declared, with all it needs, by whoever is first.
    2. The whole seconds of a delay pass in the server; what is left of it, less than one, in the worker.
    3. The server confirms that it keeps the message; one that has no queue is an error of the sender.
    4. The server leaves it to the worker to see that a job has expired: there somebody hears of it.
    """

    Consumer = LevelConsumer

    @cached_property
    def send_task_message(self) -> Callable[..., Any]:
        """Send a task message."""
        send = self._create_task_sender()  # type: ignore[attr-defined]

        def send_by_level(
            producer: Any, name: str, message: Any, queue: Any = None, exchange: Any = None, **options: Any
        ) -> Any:
            if exchange:
                return send(producer, name, message, queue=queue, exchange=exchange, **options)
            options.pop("expiration", None)
            logical = getattr(queue, "name", queue) or self.app.conf.task_default_queue
            way = _way_to(logical, options.get("priority"), _seconds_until(message.headers.get("eta")))
            try:
                return send(producer, name, message, **{**options, **way})
            except ChannelError as error:
                if error.reply_code != _NO_ROUTE:
                    raise
                raise OperationalError(f"the queue {logical!r} of {name} was deleted on the server: {error}") from error

        return send_by_level


def _way_to(logical: str, priority: int | None, delay: int) -> Mapping[str, Any]:
    """Return the options that send a message to the queue *logical*, due after *delay* seconds."""
    physical = physical_name(logical, level_of(priority))
    queue: Queue = job_queue(physical)
    declared: list[Any] = [graveyard(), queue]
    if delay < 1:
        return {"queue": queue, "exchange": "", "routing_key": physical, "declare": declared, "mandatory": True}
    return {
        "queue": queue,
        "exchange": Exchange(DELAYS, type="topic"),
        "routing_key": calculate_routing_key(min(delay, _LONGEST), physical),
        "declare": [*declared, DelayedWay(name=physical)],
        "mandatory": True,
    }


def _seconds_until(moment: str | None) -> int:
    if not moment:
        return 0
    due = datetime.fromisoformat(moment)
    return floor(((due if due.tzinfo else due.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
