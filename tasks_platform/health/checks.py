"""The platform's own checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from tasks_platform.broker.rabbitmq.levels import LEVELS, logical_name, physical_name
from tasks_platform.health import beat, limits, server, workers
from tasks_platform.health.finding import Finding
from tasks_platform.health.queue_servers import OnServers, register_servers
from tasks_platform.health.registry import HealthRegistry, declared
from tasks_platform.schedules import beats
from tasks_platform.schedules.table import entries_of
from tasks_platform.settings import Settings
from tasks_platform.store import Store
from tasks_platform.store.redis import connect


class Installation(OnServers, Protocol):
    """What is looked at: an application, as assembly makes it."""

    @property
    def settings(self) -> Settings:
        """The bounds, among others."""

    @property
    def redis_url(self) -> str:
        """Where its records are."""

    @property
    def store(self) -> Store:
        """Its records."""

    @property
    def control(self) -> Any:
        """Celery's way to ask workers."""

    @property
    def zero_is_first(self) -> bool:
        """Whether its broker is Redis."""

    @property
    def home_queues(self) -> Sequence[str]:
        """The queues in which jobs of its tasks wait."""

    def connection_for_read(self) -> Any:
        """Connect to the broker."""


def registry_of(app: Installation) -> HealthRegistry:
    """Return the checks of *app*: server, what waits, what is dead, workers, schedule, and the declared ones."""
    registry = HealthRegistry(declared)

    @registry.register("redis")
    def redis() -> Finding:
        with connect(app.redis_url, patience=0) as client:
            return server.persistence({**client.info("persistence"), **client.info("memory")})

    if not app.zero_is_first:

        @registry.register("broker")
        def broker() -> Finding:
            with app.connection_for_read() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=app.settings.health.timeout)
                return Finding(healthy=True, message="answers")

    asked = ["redis", *register_servers(registry, app)] if app.zero_is_first else ["redis", "broker"]

    @registry.register("waiting", after=asked)
    def waiting() -> Finding:
        return limits.waiting(_waiting(app), app.settings.health)

    @registry.register("letters", after=["redis"])
    def letters() -> Finding:
        return limits.letters(app.store.count_letters(), app.settings.health)

    @registry.register("workers", after=asked)
    def served() -> Finding:
        answers = app.control.inspect(timeout=app.settings.health.timeout).active_queues() or {}
        named = str if app.zero_is_first else logical_name
        shares = {name: workers.share_of(queues, named) for name, queues in answers.items()}
        return workers.served(app.home_queues, shares)

    @registry.register("beat", after=["redis"])
    def fired() -> Finding:
        entries, _ = entries_of(app)
        return beat.firing(entries, beats(app.store), datetime.now(UTC))

    return registry


def _waiting(app: Installation) -> dict[str, int]:
    return {
        queue: number
        for address, queues in app.servers.shared(app.home_queues).items()
        for queue, number in _waiting_at(app, address, queues).items()
    }


def _waiting_at(app: Installation, address: str, queues: Sequence[str]) -> dict[str, int]:
    with app.lines.connection(address) as connection:
        return {queue: sum(_count(connection, name) for name in _places(app, queue)) for queue in queues}


def _places(app: Installation, queue: str) -> list[str]:
    """Return the names under which a queue is known to its broker: Redis sums up the lists of a queue itself."""
    return [queue] if app.zero_is_first else [physical_name(queue, level) for level in LEVELS]


def _count(connection: Any, queue: str) -> int:
    with connection.channel() as channel:  # one that is refused is closed by RabbitMQ
        try:
            count: int = channel.queue_declare(queue=queue, passive=True).message_count
        except connection.channel_errors:  # nobody has sent to it or served it yet
            return 0
        return count
