"""The broker's own channel, for those who look after what lies in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.errors import PlatformError
from tasks_platform.servers import BROKER

#: Seconds to wait for a server that does not answer.
_PATIENCE: Final = 5.0


@contextmanager
def leased_channel(app: Any, address: str = BROKER) -> Iterator[StoringChannel]:
    """Connect to the broker of *app*, or to the server at *address*, while the block runs.

    Raises:
        PlatformError: if the broker is another one: it cannot be steered by what is stored.
        OperationalError: if it does not answer.

    """
    lent = app.pool.acquire(block=True) if address == BROKER else app.lines.connection(address)
    with lent as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=_PATIENCE)
        channel = connection.default_channel
        if not isinstance(channel, StoringChannel):
            raise PlatformError(
                "jobs and queues can be steered on the platform's broker on Redis only, and TASKS_BROKER_URL names "
                "another one: leave it out, or say leased+redis://...; to cancel a job elsewhere, "
                "'celery -A tasks_platform control revoke' asks the workers that run just now"
            )
        yield channel
