"""Close what an application opened in the process of the tests."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING

from kombu import pools

if TYPE_CHECKING:
    from celery import Celery


def close_connections(app: Celery) -> None:
    """Close the connections of *app*; kombu would hand them, closed, to the next application of the same address."""
    mine = app.pool
    mine.force_close_all()
    for group in (pools.producers, pools.connections):
        for key, pool in list(group.items()):
            if mine in {pool, getattr(pool, "connections", None)}:
                dict.__delitem__(group, key)  # its own takes a connection


def close(app: Celery) -> None:
    """Close what *app* opened: a socket left open is a warning, and a warning fails the test that runs then."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # handles that are deleted unsubscribe; Celery forgets its sockets when it connects again
        app.backend.result_consumer.stop()
        app.backend.result_consumer.subscribed_to.clear()  # a handle that lives on must not connect again
        app.backend.client.connection_pool.disconnect()
        close_connections(app)
        app.close()
        gc.collect()
