"""Close what an application opened in the process of the tests."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from celery import Celery


def close(app: Celery) -> None:
    """Close what *app* opened: a socket left open is a warning, and a warning fails the test that runs then."""
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.collect()  # handles that are deleted unsubscribe; Celery forgets its sockets when it connects again
        app.backend.result_consumer.stop()
        app.backend.result_consumer.subscribed_to.clear()  # a handle that lives on must not connect again
        app.backend.client.connection_pool.disconnect()
        app.pool.force_close_all()
        app.close()
        gc.collect()
