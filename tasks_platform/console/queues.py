"""Flower's page of queues, for a broker that Flower does not know by its scheme."""

from __future__ import annotations

from typing import Any

from flower.utils.broker import Broker  # type: ignore[import-untyped]


def knows_leases() -> None:
    """Let Flower count the messages of a leased broker: they wait in the same lists as in any other Redis."""
    create = Broker.__new__

    def created(kind: Any, url: str, *arguments: Any, **options: Any) -> Any:
        return create(kind, plain(url), *arguments, **options)

    Broker.__new__ = created


def plain(url: str) -> str:
    """Return the address of a broker by the scheme under which everybody knows it."""
    return url.replace("leased+socket:", "redis+socket:", 1).removeprefix("leased+")
