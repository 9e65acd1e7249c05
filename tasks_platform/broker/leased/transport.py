"""Transport: ``leased+redis://``, ``leased+rediss://``, ``leased+socket://`` and ``leased+sentinel://``."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis as kombu_redis
from redis.exceptions import ReadOnlyError

from tasks_platform.broker.leased.channel import Channel
from tasks_platform.broker.leased.following import SentinelChannel
from tasks_platform.broker.leased.url import as_first, tls_of
from tasks_platform.broker.sentinel import Address, is_sentinel

_Base: Any = kombu_redis.Transport


class Transport(_Base):  # type: ignore[misc]  # kombu has no type hints
    """kombu's Redis transport over leased channels. To others its ``driver_type`` stays ``redis``."""

    Channel = Channel
    #: Seconds after which an idle worker looks by itself: for plain producers, who tell nobody, and lost signals.
    brpop_timeout = 5
    #: Whether messages are received in an event loop.
    in_event_loop = False
    #: Where the master is to be asked for, if sentinels say where it is.
    address: Address | None = None

    # a server that has become a replica is left, and looked for anew
    connection_errors = (*kombu_redis.Transport.connection_errors, ReadOnlyError)

    def __init__(self, client: Any, **options: Any) -> None:
        as_first(str(client.transport_cls), client)
        if is_sentinel(client.hostname or ""):
            client.ssl = self._ask_sentinels(client) or client.ssl
        elif not client.ssl and (tls := tls_of(client.hostname or "")) is not None:
            client.ssl = tls
        super().__init__(client, **options)

    def _ask_sentinels(self, client: Any) -> Any:
        """Let *client* lead to the master that its URLs name together; return how to trust that."""
        self.address = Address.read(";".join(client.alt or [client.hostname]), client.transport_options)
        self.Channel = SentinelChannel
        client.cycle = None  # its URLs are not of different brokers, of which kombu would try the next one
        return self.address.tls

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Receive messages in an event loop."""
        self.in_event_loop = True
        super().register_with_event_loop(connection, _Loop(loop))


class _Loop:
    """An event loop that is asked for nothing twice: kombu asks for every socket anew in every turn of it."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def add_reader(self, fd: int, callback: Any, *args: Any) -> None:
        """Call *callback* when *fd* can be read."""
        if self._loop.readers.get(fd) != (callback, args):
            self._loop.add_reader(fd, callback, *args)
