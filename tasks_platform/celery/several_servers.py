"""OnSeveralServers: the part of the application that knows which queue lies on which server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import celery

from tasks_platform.celery.configuration import is_leased, leased
from tasks_platform.errors import SettingsError
from tasks_platform.servers import BROKER, Servers, told
from tasks_platform.settings import Settings
from tasks_platform.store import Store
from tasks_platform.task.lines import Lines, queue_in

log = logging.getLogger(__name__)


class OnSeveralServers(celery.Celery):
    """An application whose queues may lie on servers of their own."""

    control_cls = "tasks_platform.task.control:PlatformControl"

    if TYPE_CHECKING:  # what the application is besides

        @property
        def settings(self) -> Settings:
            """The configuration."""

        @property
        def store(self) -> Store:
            """The records."""

        @property
        def redis_url(self) -> str:
            """Where the records are."""

        @property
        def broker(self) -> str:
            """Where the queues lie that have no server of their own."""

        @property
        def home_queues(self) -> list[str]:
            """The queues of all tasks."""

    @cached_property
    def servers(self) -> Servers:
        """The queues that lie on a server of their own."""
        given = {queue: url.get_secret_value() for queue, url in self.settings.queue_servers.items()}
        addresses = {queue: url if is_leased(url) else leased(url) for queue, url in given.items()}
        broker = self.broker if addresses else BROKER
        return Servers(addresses={queue: address for queue, address in addresses.items() if address != broker})

    @cached_property
    def lines(self) -> Lines:
        """How this process sends to them."""
        self._ensure_after_fork()  # type: ignore[attr-defined]
        return Lines(self)

    @cached_property
    def _with_records(self) -> frozenset[str]:
        """The servers that keep the records, too, so that one step can change both."""
        if self.store.condition("") is None:
            return frozenset()
        return frozenset(it for it in self.servers.all if (it or self.broker) == leased(self.redis_url))

    def takes_with_push(self, name: str, options: Mapping[str, Any]) -> bool:
        """Tell whether a message of the task *name* is pushed in the step that takes its id and its key."""
        return (self.server_of(name, options) if self.servers else BROKER) in self._with_records

    def server_of(self, name: str, options: Mapping[str, Any]) -> str:
        """Return the address of the server to which a job of the task *name* is sent with *options*."""
        queue = queue_in(options)
        if queue is None and not options.get("exchange"):
            router: Any = self.amqp.router
            queue = queue_in(router.route(dict(options), name, (), {}, self.tasks.get(name)))
        return self.servers.of(queue)

    def choose_server(self) -> None:
        """Let this worker work for the server on which its queues lie.

        Without any given it serves those of all tasks that lie on the broker.

        Raises:
            SettingsError: if its queues do not lie together; the message names the workers that can be started.

        """
        if not self.servers:
            return
        queues: Any = self.amqp.queues
        if queues._consume_from is None:  # noqa: SLF001 - not given any by -Q
            elsewhere = self.servers.shared(self.home_queues)
            if (here := elsewhere.pop(BROKER, [])) == []:
                raise SettingsError("all queues lie on servers of their own; say which to serve:\n" + told(elsewhere))
            if elsewhere:
                log.warning("these queues lie on servers of their own, and need other workers:\n%s", told(elsewhere))
            queues.select(here)
            return
        address = self.servers.of_worker(queues._consume_from)  # noqa: SLF001
        if address != BROKER:
            self.conf.update(broker_read_url=address)
            mailbox: Any = self.control.mailbox  # type: ignore[attr-defined]
            mailbox.producer_pool = self.lines.pool(address)  # it answers where it is asked

    def _after_fork(self) -> None:
        self.lines.forget()
        super()._after_fork()  # type: ignore[misc]

    def close(self) -> None:
        """Close what the application opened."""
        self.lines.close()
        super().close()
