"""Lines: how an application sends to the servers that some queues have for themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from kombu import Producer
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool

from tasks_platform.servers import BROKER, Servers, name_of

#: Seconds to wait for a server that is asked something.
_PATIENCE: Final = 5.0


class Lines:
    """The producers of one process, by server; each connects when it first sends."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._pools: dict[str, ProducerPool] = {}
        self._lock = threading.Lock()

    def pool(self, address: str) -> Any:
        """Return the producers of the server at *address*."""
        if address == BROKER:
            return self._app.amqp.producer_pool
        with self._lock:
            if address not in self._pools:
                limit = self._app.conf.broker_pool_limit
                connections = self._app.connection_for_write(address).Pool(limit=limit)
                make: Any = partial(_ServerProducer, address=address)
                self._pools[address] = ProducerPool(connections, limit=limit, Producer=make)
            return self._pools[address]

    @contextmanager
    def producer(self, address: str, given: Any = None) -> Iterator[Any]:
        """Lend a producer of the server at *address*: the *given* one if it is of that server.

        Raises:
            OperationalError: if the server does not take what is published in the block; the message names it.

        """
        if given is not None and getattr(given, "address", BROKER) == address:
            yield given
            return
        with self.pool(address).acquire(block=True, timeout=self._app.conf.broker_pool_acquire_timeout) as producer:
            if address == BROKER:
                yield producer
                return
            try:
                with producer.connection._reraise_as_library_errors():  # noqa: SLF001 - as Celery does
                    yield producer
            except OperationalError as error:
                raise OperationalError(f"{name_of(address)} takes no messages: {error}") from error

    @contextmanager
    def connection(self, address: str) -> Iterator[Any]:
        """Connect to the server at *address* while the block runs.

        Raises:
            OperationalError: if it does not answer; the message names it.

        """
        with self._app.connection_for_write(address or None) as connection:
            if address != BROKER:
                try:
                    connection.ensure_connection(max_retries=1, interval_start=0, timeout=_PATIENCE)
                except OperationalError as error:
                    raise OperationalError(f"{name_of(address)} does not answer: {error}") from error
            yield connection

    def forget(self) -> None:
        """Forget all producers, in a process that was forked from the one that uses them."""
        self._pools = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close all connections."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.connections.force_close_all()


class _ServerProducer(Producer):
    """A producer that knows its server."""

    def __init__(self, *args: Any, address: str, **options: Any) -> None:
        self.address = address
        super().__init__(*args, **options)


def by_queue(send: Callable[..., Any], servers: Servers, lines: Lines) -> Callable[..., Any]:
    """Return Celery's *send*, which publishes on the server of the queue, whatever producer it is given."""

    def send_by_queue(producer: Any, name: str, message: Any, *, queue: Any = None, **options: Any) -> Any:
        address = servers.of(queue_in({"queue": queue, **options}))
        if address == BROKER:
            return send(producer, name, message, queue=queue, **options)
        with lines.producer(address, producer) as own:
            return send(own, name, message, queue=queue, **options)

    return send_by_queue


def queue_in(options: Mapping[str, Any]) -> str | None:
    """Return the name of the queue that *options* of a call say; None if they say none."""
    if (queue := options.get("queue")) is not None:
        name: str = getattr(queue, "name", queue)
        return name
    return options.get("routing_key") if options.get("exchange") == "" else None
