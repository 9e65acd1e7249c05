"""Which queues lie on a server of their own; all others lie on the broker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tasks_platform.errors import SettingsError

#: Stands for the broker, where an address stands for the server of a queue.
BROKER = ""


@dataclass(frozen=True, kw_only=True)
class Servers:
    """What lies where."""

    #: The addresses of the servers by queue; of those that have one of their own.
    addresses: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.addresses)

    @property
    def all(self) -> tuple[str, ...]:
        """The broker, and the addresses of the others."""
        return (BROKER, *dict.fromkeys(self.addresses.values()))

    def of(self, queue: str | None) -> str:
        """Return the address of the server of *queue*."""
        return BROKER if queue is None else self.addresses.get(queue, BROKER)

    def shared(self, queues: Iterable[str]) -> dict[str, list[str]]:
        """Return those of *queues* that lie together, by address."""
        found: dict[str, list[str]] = {}
        for queue in queues:
            found.setdefault(self.of(queue), []).append(queue)
        return found

    def of_worker(self, queues: Iterable[str]) -> str:
        """Return the address of the server that a worker of *queues* works for.

        Raises:
            SettingsError: if they do not lie together; the message names the workers that can be started.

        """
        shared = self.shared(queues)
        if len(shared) > 1:
            raise SettingsError("a worker serves one server; these queues need workers of their own:\n" + told(shared))
        return next(iter(shared), BROKER)


def name_of(address: str) -> str:
    """Return how the server at *address* is called where people read it: without a secret."""
    if address == BROKER:
        return "the broker"
    return " or ".join(_without_secrets(url) for url in address.split(";"))


def told(shared: Mapping[str, Iterable[str]]) -> str:
    """Return a line for each server, with its queues and the worker that serves them."""
    return "\n".join(
        f"  celery -A tasks_platform worker -Q {','.join(queues)}    # {name_of(address)}"
        for address, queues in shared.items()
    )


def _without_secrets(url: str) -> str:
    if "://" not in url:  # a further sentinel
        return url.rpartition("@")[2].partition("?")[0]
    parts = urlsplit(url)
    return f"{parts.scheme.removeprefix('leased+')}://{parts.netloc.rpartition('@')[2]}{parts.path}"
