"""StoringChannel: the half of a leased channel that puts messages into queues, and looks after queues."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import redis
from kombu.transport import redis as kombu_redis

from tasks_platform.broker.leased.moving import move_of
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.publishing import Place, commands
from tasks_platform.broker.leased.pushing import push
from tasks_platform.broker.leased.url import server_of

_Base: Any = kombu_redis.Channel


class StoringChannel(_Base):  # type: ignore[misc]  # kombu has no type hints
    """kombu's channel, which also knows of messages that are not due yet."""

    #: Seconds after which what a dead worker had is given to others.
    lease_seconds = 15.0
    #: How many workers may die with a message before it is put into the graveyard.
    delivery_limit = 5
    from_transport_options: ClassVar[Any] = (
        *kombu_redis.Channel.from_transport_options,
        "lease_seconds",
        "delivery_limit",
    )

    @cached_property
    def _sender(self) -> str:
        """This channel, as the server knows it by what it has pushed last."""
        return uuid.uuid4().hex

    @cached_property
    def names(self) -> Names:
        """The keys of this broker."""
        return Names(self.global_keyprefix, self.sep)

    @property
    def server(self) -> redis.Redis:
        """A client that leaves keys as they are; kombu's own adds the prefix to some commands, and not to others."""
        return redis.Redis(connection_pool=self.pool)

    @property
    def all_steps(self) -> tuple[int, ...]:
        """All priority steps, also those that this consumer does not take."""
        steps: Any = self.priority_steps
        return tuple(getattr(steps, "all", steps))

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's own signature
        """Return what it takes to connect; kombu leaves a URL with a plus sign to its transport."""
        params: dict[str, Any] = super()._connparams(asynchronous)
        return {**params, **server_of(self.connection.client.hostname or "", self._prepare_virtual_host)}

    def _put(self, queue: str, message: Mapping[str, Any], **options: Any) -> None:
        step = self.priority(self._get_message_priority(message, reverse=False))
        place = Place(queue, step, self.all_steps, self._expires.get(queue))
        if (batch := options.pop("_publish_batch", None)) is not None:
            for name, arguments in commands(Names("", self.sep), place, message):  # the batch adds the prefix itself
                batch.add(name, *arguments)
            return
        if (move := move_of(message)) is not None and move.make(self.server, self.names, place, message):
            return
        if (message.get("headers") or {}).get("id"):
            push(self.server, self.names, self._sender, place, message)
            return
        with self.server.pipeline(transaction=False) as pipe:
            for name, arguments in commands(self.names, place, message):
                getattr(pipe, name)(*arguments)
            pipe.execute()

    def _purge(self, queue: str) -> int:
        with self.server.pipeline() as pipe:
            delayed = self.names.delayed(queue)
            pipe.zcard(delayed)
            pipe.delete(delayed)
            for step in self.all_steps:
                key = self.names.ready(queue, step)
                pipe.llen(key)
                pipe.delete(key, self.names.wake(queue, step))
            return sum(pipe.execute()[::2])

    def _delete(self, queue: str, *args: Any, **options: Any) -> None:
        super()._delete(queue, *args, **options)
        self._purge(queue)

    def _has_queue(self, queue: str, **options: Any) -> bool:
        return bool(super()._has_queue(queue, **options)) or self._number_delayed(queue) > 0

    def queue_delete(self, queue: str, if_unused: bool = False, if_empty: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002
        """Delete *queue*; with *if_empty* only if nothing is in it, delayed messages included."""
        if not (if_empty and self._number_delayed(queue)):
            super().queue_delete(queue, if_unused=if_unused, if_empty=if_empty, **options)

    def _number_delayed(self, queue: str) -> int:
        number: Any = self.server.zcard(self.names.delayed(queue))
        return int(number)
