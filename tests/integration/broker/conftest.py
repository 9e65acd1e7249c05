"""Connections to the leased broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection

from simple_queues import STEPS
from tasks_platform.broker.leased.lease import Lease

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def leases() -> Iterator[None]:
    """End what a test has claimed with: threads that look for a server which is gone would meet other tests."""
    yield
    for lease in list(Lease._all.values()):
        lease.end()


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
