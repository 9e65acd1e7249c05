"""PlatformControl: workers are asked and told on all servers on which queues lie."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from typing import Any

from celery.app.control import Control
from celery.worker.control import control_command
from kombu.exceptions import OperationalError

from tasks_platform.servers import BROKER, name_of
from tasks_platform.task.insist import TROUBLE

log = logging.getLogger(__name__)


class PlatformControl(Control):
    """Celery's remote control; with several servers, each worker hears of it on its own."""

    # Celery's own, which its type stubs leave out
    app: Any
    mailbox: Any

    def broadcast(  # type: ignore[override]  # all of its options are passed on
        self,
        command: str,
        arguments: Any = None,
        destination: Any = None,
        connection: Any = None,
        reply: bool = False,  # noqa: FBT001, FBT002 - Celery's own signature
        **options: Any,
    ) -> Any:
        """Send a command to the workers of all servers; answer with what they reply, if it is waited for.

        Of a server that does not answer there are no replies, and the log says so.

        Raises:
            OperationalError: if a command that needs no reply did not reach a server; the others have got it.

        """
        told = {"arguments": arguments, "destination": destination, "reply": reply, **options}
        if connection is not None or options.get("channel") is not None or not self.app.servers:
            return super().broadcast(command, connection=connection, **told)
        with ThreadPoolExecutor(len(self.app.servers.all)) as pool:
            asked = {
                address: pool.submit(self.broadcast_at, address, command, told) for address in self.app.servers.all
            }
        replies = [answered for address, future in asked.items() for answered in _answers(address, future, reply=reply)]
        return replies if reply else None

    def broadcast_at(self, address: str, command: str, told: dict[str, Any]) -> Any:
        """Send a command to the workers of one server."""
        if address == BROKER:
            return super().broadcast(command, **told)
        there = copy(self)
        there.mailbox = copy(self.mailbox)
        there.mailbox.producer_pool = None  # but the connection to the server
        with self.app.lines.connection(address) as connection:
            return Control.broadcast(there, command, connection=connection, **told)

    def purge(self, connection: Any = None) -> int:
        """Throw away what waits in the queues of this application, on all servers."""
        if connection is not None or not self.app.servers:
            return int(super().purge(connection))
        return sum(self._purge_at(*there) for there in self.app.servers.shared(self.app.amqp.queues).items())

    def _purge_at(self, address: str, queues: list[str]) -> int:
        with self.app.lines.connection(address) as connection:
            declared = [self.app.amqp.queues[queue] for queue in queues]
            return int(self.app.amqp.TaskConsumer(connection, queues=declared).purge())


def _answers(address: str, future: Future[Any], *, reply: bool) -> list[Mapping[str, Any]]:
    try:
        return future.result() or []
    except TROUBLE as trouble:
        if not reply:
            raise OperationalError(f"the workers of {name_of(address)} were not told: {trouble}") from trouble
        log.warning("the workers of %s were not asked: %s", name_of(address), trouble)
        return []


@control_command(
    args=[("queue", str), ("exchange", str), ("exchange_type", str), ("routing_key", str)],
    signature="<queue> [exchange [type [routing_key]]]",
)
def add_consumer(
    state: Any,
    queue: str,
    exchange: str | None = None,
    exchange_type: str | None = None,
    routing_key: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Tell worker(s) to consume from task queue by name."""
    consumer = state.consumer
    servers = consumer.app.servers
    mine = servers.of(next(iter(consumer.app.amqp.queues.consume_from), None))
    if servers.of(queue) != mine:
        return {"error": f"{queue} lies on {name_of(servers.of(queue))}, and this worker works for {name_of(mine)}"}
    consumer.call_soon(consumer.add_task_queue, queue, exchange, exchange_type or "direct", routing_key, **options)
    return {"ok": f"add consumer {queue}"}
