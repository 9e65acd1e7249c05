"""The straight way of a job's message to a leased broker: past the layers that are there for all brokers."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

import redis
from celery.signals import after_task_publish, before_task_publish, task_sent
from kombu import Queue
from kombu.entity import maybe_delivery_mode

from tasks_platform.broker import quick_json
from tasks_platform.sealing import KeyRing
from tasks_platform.task.amqp import signed
from tasks_platform.task.job_ids import new_id
from tasks_platform.task.protocol import message_of

log = logging.getLogger(__name__)
#: What may be said of a message that goes this way. With anything else it goes Celery's own.
_SAID: Final = frozenset(
    [
        "add_to_parent",
        "argsrepr",
        "chain",
        "chord",
        "countdown",
        "eta",
        "group_id",
        "group_index",
        "headers",
        "ignore_result",
        "kwargsrepr",
        "link",
        "link_error",
        "parent_id",
        "priority",
        "queue",
        "replaced_task_nesting",
        "result_cls",
        "retries",
        "root_id",
        "serializer",
        "shadow",
        "soft_time_limit",
        "task_id",
        "task_type",
        "time_limit",
    ]
)
_SERIALIZERS: Final = (None, "json")
#: What stops being true of a connection when it breaks, or when its server is another's replica now.
_TROUBLE: Final = (redis.RedisError, OSError)
#: Seconds until this way is tried again after that.
_PAUSE: Final = 1.0


class _Address(NamedTuple):
    """A queue that was declared, and what its messages say of it."""

    channel: Any
    queue: str
    delivery_mode: int


class Written(NamedTuple):
    """A message, and what is to be done when it is sent."""

    channel: Any
    queue: str
    message: dict[str, Any]
    #: Of its task.
    name: str
    body: Any
    handle: Any
    #: The task that sends it, if that keeps what it has sent.
    parent: Any

    def sent(self) -> Any:
        """Tell that the message was sent; answer with the handle of its job."""
        if after_task_publish.receivers:
            headers = self.message["headers"]
            after_task_publish.send(
                sender=self.name, body=self.body, headers=headers, exchange="", routing_key=self.queue
            )
        if self.parent:
            self.parent.add_trail(self.handle)
        return self.handle


class StraightWay:
    """Sends the messages of jobs as Celery and kombu do, in a fraction of their time.

    1. Whatever asks for more than every message has goes Celery's own way.
    2. The queue was declared before, by this process, on a channel that is kept.
    3. Celery writes the message, and the channel puts it into the queue.
    4. What the server does not take goes Celery's own way: there it is repeated, on other connections and servers.
    """

    def __init__(self, app: Any, signers: KeyRing) -> None:
        self._app = app
        self._signers = signers
        self._addresses: dict[str, _Address] = {}
        #: By the address of their server.
        self._channels: dict[str, Any] = {}
        self._pid = os.getpid()
        #: Until when nobody goes this way, in seconds of the monotonic clock.
        self._closed_until = 0.0

    def send(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> Any:
        """Send a job; answer with its handle, or with None if it has to go Celery's own way."""
        try:
            if (ready := self.write(name, args, kwargs, options, self._app.current_worker_task)) is None:
                return None
            ready.channel.basic_publish(ready.message, exchange="", routing_key=ready.queue)
        except _TROUBLE:
            log.info("a message cannot go the straight way", exc_info=True)
            self.close()
            self._closed_until = time.monotonic() + _PAUSE
            return None
        return ready.sent()

    def write(
        self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any], parent: Any = None
    ) -> Written | None:
        """Write the message of a job that the task *parent* sends, if one does.

        None if it has to go Celery's own way.

        Raises:
            redis.RedisError: if its queue has to be declared, and the server is away.

        """
        if _asks_for_more(args, kwargs, options) or before_task_publish.receivers or task_sent.receivers:
            return None
        if self._closed_until and time.monotonic() < self._closed_until:
            return None
        if (address := self._address(name, args, kwargs, options)) is None:
            return None
        task_id = options.get("task_id") or new_id()
        headers, properties, body = message_of(self._app, name, args or (), kwargs or {}, task_id, parent, options)
        try:
            written = quick_json.write(body)
        except Exception:  # noqa: BLE001 - Celery's own way says what is wrong
            return None
        if self._signers:
            headers = signed(self._signers, headers, written)
        properties["delivery_mode"] = address.delivery_mode
        priority = options.get("priority")
        message = address.channel.prepare_message(written, priority, "application/json", "utf-8", headers, properties)
        handle = (options.get("result_cls") or self._app.AsyncResult)(task_id)
        handle.ignored = options.get("ignore_result")
        trail = parent if options.get("add_to_parent", True) else None
        return Written(address.channel, address.queue, message, name, body, handle, trail)

    def close(self) -> None:
        """Close the connections that were kept."""
        channels, self._channels, self._addresses = self._channels, {}, {}
        if self._pid == os.getpid():
            for channel in channels.values():
                channel.connection.client.close()

    def _address(self, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> _Address | None:
        """Return the queue that a message goes to; None if it is none to which a message could go straight."""
        if self._pid != os.getpid():  # the connection is the parent's
            self._channels, self._addresses, self._pid = {}, {}, os.getpid()
        queue, task = options.get("queue"), options["task_type"]
        if self._routes_are_ours and (queue is None or isinstance(queue, str)):
            queue = queue or getattr(task, "home_queue", None) or self._app.settings.default_queue
        else:
            routed = self._app.amqp.router.route({"queue": queue} if queue else {}, name, args, kwargs, task)
            if routed.keys() != {"queue"}:
                return None
            queue = routed["queue"].name
        if (address := self._addresses.get(queue)) is None and (address := self._declared(queue)) is not None:
            self._addresses[queue] = address
        return address

    @cached_property
    def _routes_are_ours(self) -> bool:
        """Whether a queue that was named is all that there is to know of the way."""
        return bool(self._app.conf.task_routes == (self._app.route,))

    def _declared(self, name: str) -> _Address | None:
        queue = self._app.amqp.queues[name]
        if type(queue) is not Queue or queue.exchange.type != "direct":
            return None
        channel = self._channel(self._app.servers.of(name))
        queue.bind(channel).declare()
        mode = queue.exchange.delivery_mode or self._app.conf.task_default_delivery_mode
        return _Address(channel, name, maybe_delivery_mode(mode) or 2)

    def _channel(self, server: str) -> Any:
        if server not in self._channels:
            connection = self._app.connection_for_write(server or None)
            connection.connect()  # once: who waits for a server goes the other way
            self._channels[server] = connection.default_channel
        return self._channels[server]


def _asks_for_more(args: Any, kwargs: Any, options: Mapping[str, Any]) -> bool:
    """Tell whether something is said of a message that is not said of every one, or whether it is none."""
    if not isinstance(args or (), (list, tuple)) or not isinstance(kwargs or {}, Mapping):
        return True
    if options.get("task_type") is None:  # sent by name: Celery looks up what its task says of itself
        return True
    for name, value in options.items():
        if value is not None and name not in _SAID:
            return True
    return options.get("serializer", "json") not in _SERIALIZERS
