"""Connections to the leased broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection

from simple_queues import STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def connect(redis_url: str) -> Iterator[Callable[..., Connection]]:
    """Return what connects to the broker, with options of the transport."""
    opened = []

    def connect(**options: Any) -> Connection:
        connection = Connection(f"leased+{redis_url}", transport_options={"priority_steps": STEPS, **options})
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def connection(connect: Callable[..., Connection]) -> Connection:
    return connect()
