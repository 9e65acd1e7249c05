"""StoringChannel: the half of a leased channel that puts messages into queues, and looks after queues."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final

import redis

from tasks_platform.broker.leased.confirming import ConfirmingChannel
from tasks_platform.broker.leased.moving import move_of
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.publishing import Command, Place, afterwards, commands, expiring, id_of, stored
from tasks_platform.broker.leased.pushing import push
from tasks_platform.broker.leased.script_lines import ScriptLines
from tasks_platform.broker.leased.url import server_of
from tasks_platform.broker.quick_base64 import Base64

#: The most places that a channel remembers: answers go to a queue of their own each.
_PLACES: Final = 1000
#: The messages of this process.
_messages: Final = itertools.count(1)


class StoringChannel(ConfirmingChannel):
    """kombu's channel, which also knows of messages that are not due yet."""

    #: What bodies are written with, by what their messages call it.
    codecs: ClassVar[Any] = {**ConfirmingChannel.codecs, "base64": Base64()}
    #: Seconds after which what a dead worker had is given to others.
    lease_seconds = 15.0
    #: How many workers may die with a message before it is put into the graveyard.
    delivery_limit = 5
    from_transport_options: ClassVar[Any] = (
        *ConfirmingChannel.from_transport_options,
        "lease_seconds",
        "delivery_limit",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        #: Where messages go, by their queue, priority, and how long that is kept; as long as these are the steps.
        self._places: dict[tuple[Any, ...], Place] = {}
        self._placed_by: Any = None
        super().__init__(*args, **options)

    @property
    def _sender(self) -> str:
        """This channel in this process, as the server knows it by what it has pushed last."""
        return f"{self._name}-{os.getpid()}"

    @cached_property
    def _name(self) -> str:
        return uuid.uuid4().hex

    def _next_delivery_tag(self) -> str:
        """Return a name that no other message has; kombu's own is a UUID, which costs as much as writing a message."""
        return f"{self._sender}-{next(_messages):x}"

    @cached_property
    def names(self) -> Names:
        """The keys of this broker."""
        return Names(self.global_keyprefix, self.sep)

    @property
    def server(self) -> redis.Redis:
        """A client that leaves keys as they are; kombu's own adds the prefix to some commands, and not to others."""
        return redis.Redis(connection_pool=self.pool)

    @cached_property
    def lines(self) -> ScriptLines:
        """What jobs are pushed over: kept open, also between them."""
        return ScriptLines.to(self.pushes)

    def close(self) -> None:
        """Close the channel and its connections."""
        super().close()
        if (lines := self.__dict__.pop("lines", None)) is not None:
            lines.close()

    @property
    def all_steps(self) -> tuple[int, ...]:
        """All priority steps, also those that this consumer does not take."""
        steps: Any = self.priority_steps
        return tuple(getattr(steps, "all", steps))

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's own signature
        """Return what it takes to connect; kombu leaves a URL with a plus sign to its transport."""
        if self.connection is None:  # kombu publishes on a channel that it has closed while it declared the queue
            raise redis.ConnectionError("the channel was closed, for its connection was lost")
        params: dict[str, Any] = super()._connparams(asynchronous)
        return {**params, **server_of(self.connection.client.hostname or "", self._prepare_virtual_host)}

    def _put(self, queue: str, message: Mapping[str, Any], **options: Any) -> None:
        place = self._place(queue, message)
        if (batch := options.pop("_publish_batch", None)) is not None:
            self._put_into(batch, place, message)
            return
        if (move := move_of(message)) is not None and move.make(self.server, self.names, place, message):
            return
        if (message.get("headers") or {}).get("id"):
            push(self.lines, self.names, self._sender, place, message)
            self._do(expiring(self.names, place))
        else:
            self._do(commands(self.names, place, message))

    def _place(self, queue: str, message: Mapping[str, Any]) -> Place:
        """Return where *message* goes; kombu finds its step anew for each, in the time that it takes to write one."""
        steps: Any = self.priority_steps
        if steps is not self._placed_by or len(self._places) > _PLACES:
            self._places, self._placed_by = {}, steps
        number = message["properties"].get("priority")
        key = (queue, number if isinstance(number, int) else repr(number), self._expires.get(queue))
        if (place := self._places.get(key)) is None:
            step = self.priority(self._get_message_priority(message, reverse=False))
            place = self._places[key] = Place(queue, step, self.all_steps, self._expires.get(queue))
        return place

    def _put_into(self, batch: Any, place: Place, message: Mapping[str, Any]) -> None:
        plain = Names("", self.sep)  # a batch adds the prefix itself
        if not hasattr(batch, "put"):  # kombu's own, which knows of no ids
            for name, arguments in commands(plain, place, message):
                batch.add(name, *arguments)
            return
        key, text, due = stored(self.names, place, message)
        batch.put(key, text, due=due, queue=place.queue if id_of(message) else "")
        for name, arguments in afterwards(plain, place):
            batch.add(name, *arguments)

    def _do(self, wanted: Sequence[Command]) -> None:
        if wanted:
            with self.server.pipeline(transaction=False) as pipe:
                for name, arguments in wanted:
                    getattr(pipe, name)(*arguments)
                pipe.execute()

    def _size(self, queue: str) -> int:
        with self.server.pipeline() as pipe:
            keys = [self.names.ready(queue, step) for step in self.all_steps]
            pipe.hmget(self.names.gone, keys)
            for key in keys:
                pipe.llen(key)
            gone, *lengths = pipe.execute()
        return int(sum(lengths)) - sum(int(it or 0) for it in gone)

    def _purge(self, queue: str) -> int:
        names, delayed = self.names, self.names.delayed(queue)
        keys = [names.ready(queue, step) for step in self.all_steps]
        with self.server.pipeline() as pipe:
            pipe.hmget(names.gone, keys)
            pipe.zcard(delayed)
            for key in keys:
                pipe.llen(key)
            pipe.hdel(names.gone, *keys)
            signals = [names.wake(queue, step) for step in self.all_steps]
            pipe.delete(delayed, names.index(queue), names.held(queue), *keys, *signals)
            gone, *found = pipe.execute()
        return int(sum(found[:-2])) - sum(int(it or 0) for it in gone)

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
