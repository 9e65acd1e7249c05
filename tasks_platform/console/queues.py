"""Flower's page of queues, for a broker that Flower does not know by its scheme, and for several servers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flower.utils.broker import Broker  # type: ignore[import-untyped]

from tasks_platform.broker.sentinel import Address, each_of, is_sentinel
from tasks_platform.servers import Servers, name_of

log = logging.getLogger(__name__)


def knows_leases(servers: Servers, broker: str = "") -> None:
    """Let Flower count the messages of a leased broker: they wait in the same lists as in any other Redis.

    Of a *broker* whose master sentinels know Flower tells the address of the first one only.
    """
    create = Broker.__new__
    whole = broker if is_sentinel(broker) else ""

    def created(kind: Any, url: str, *arguments: Any, **options: Any) -> Any:
        def at(address: str) -> Any:
            where = address or whole or url
            more = _of_master(where, options) if is_sentinel(where) else {}
            return create(kind, plain(where), *arguments, **{**options, **more})

        return _OnServers(servers, at) if servers else at("")

    Broker.__new__ = created


class _OnServers:
    """What Flower asks for the queues of several servers."""

    def __init__(self, servers: Servers, at: Callable[[str], Any]) -> None:
        self._servers = servers
        self._at = at

    async def queues(self, names: Iterable[str]) -> list[Any]:
        """Return the queues of these *names*; those of a server that does not answer are left out."""
        found: list[Any] = []
        for address, queues in self._servers.shared(names).items():
            try:
                found += await self._at(address).queues(queues)
            except Exception as error:  # noqa: BLE001 - the others are shown
                log.warning("the queues of %s cannot be counted: %s", name_of(address), error)
        return found


def plain(url: str) -> str:
    """Return the address of a broker by the scheme under which everybody knows it."""
    return each_of(url)[0].replace("leased+socket:", "redis+socket:", 1).removeprefix("leased+")


def _of_master(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Flower has to know of the master at *url*, as Celery's settings would say it."""
    address = Address.read(url)
    theirs = {"master_name": address.sentinels.master_name, "sentinel_kwargs": dict(address.sentinels.options)}
    return {"broker_options": {**options.get("broker_options", {}), **theirs}, "broker_use_ssl": address.tls}
