"""Flower hears the events of workers on all servers on which queues lie."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final

from celery.events import EventReceiver
from flower.events import Events  # type: ignore[import-untyped]

from tasks_platform.servers import BROKER, name_of

log = logging.getLogger(__name__)
#: Seconds until a server that was lost is asked again.
_PAUSE: Final = 2.0


def hears_all(app: Any) -> None:
    """Let Flower listen to the servers of *app* besides the broker, too."""
    start = Events.start

    def started(events: Any) -> None:
        start(events)
        for address in app.servers.all:
            if address != BROKER:
                threading.Thread(target=_listen, args=(app, address, events.on_event), daemon=True).start()

    Events.start = started


def _listen(app: Any, address: str, on_event: Any) -> None:
    """Hand the events of one server to Flower, for as long as the process lives."""
    is_lost = False
    while True:
        try:
            with app.lines.connection(address) as connection:
                is_lost = False
                receiver = EventReceiver(connection, handlers={"*": on_event}, app=app)
                receiver.capture(limit=None, timeout=None, wakeup=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
            if not is_lost:
                log.warning("the events of %s are not heard, and will be again: %s", name_of(address), error)
            is_lost = True
        time.sleep(_PAUSE)
