"""Whether the servers that some queues have for themselves are well, and nothing lies where nobody looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from tasks_platform.health import server
from tasks_platform.health.finding import Finding
from tasks_platform.health.registry import HealthRegistry
from tasks_platform.servers import Servers, name_of
from tasks_platform.task.lines import Lines


class OnServers(Protocol):
    """What is looked at: an application whose queues may lie on several servers."""

    @property
    def servers(self) -> Servers:
        """Which lies where."""

    @property
    def lines(self) -> Lines:
        """The way to them."""


def register_servers(registry: HealthRegistry, app: OnServers) -> list[str]:
    """Add a check for each server besides the broker, and one for what lies on the wrong one; return the former."""
    names = [
        _register(registry, app, address, queues)
        for address, queues in app.servers.shared(app.servers.addresses).items()
    ]
    if names:

        @registry.register("astray", after=["redis", *names])
        def astray() -> Finding:
            return left_behind(
                {
                    (queue, address): number
                    for address in app.servers.all
                    for queue, number in _counted(app, address, app.servers.addresses).items()
                    if app.servers.of(queue) != address
                }
            )

    return names


def _register(registry: HealthRegistry, app: OnServers, address: str, queues: list[str]) -> str:
    name = f"server of {', '.join(queues)}"

    @registry.register(name)
    def answers() -> Finding:
        with app.lines.connection(address) as connection:
            client = connection.default_channel.server
            found = server.persistence({**client.info("persistence"), **client.info("memory")})
            return Finding(healthy=found.healthy, message=f"{name_of(address)}: {found.message}", figures=found.figures)

    return name


def _counted(app: OnServers, address: str, queues: Iterable[str]) -> dict[str, int]:
    with app.lines.connection(address) as connection:
        channel = connection.default_channel
        return {queue: channel._size(queue) + channel._number_delayed(queue) for queue in queues}  # noqa: SLF001


def left_behind(counts: Mapping[tuple[str, str], int]) -> Finding:
    """Decide by how many messages of a queue lie on a server that is not, or no longer, that of the queue."""
    figures = {f"{queue} on {name_of(address)}": number for (queue, address), number in counts.items()}
    left = [
        f"{number:,} jobs of {queue} lie on {name_of(address)}" for (queue, address), number in counts.items() if number
    ]
    if left:
        message = (
            f"{', '.join(left)}, where no worker looks: let one empty it that is started with the old "
            "TASKS_QUEUE_SERVERS, and see that all senders have the new one"
        )
        return Finding(healthy=False, message=message, figures=figures)
    return Finding(healthy=True, message="every queue lies on its server alone", figures=figures)
