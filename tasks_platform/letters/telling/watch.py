"""Watch: what a worker does for dead letters beside its jobs: tell of burials, drop what is too old or too many."""

from __future__ import annotations

import atexit
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from tasks_platform.letters.adopting import adopt, given_up
from tasks_platform.letters.purging import purge
from tasks_platform.letters.queue import DeadLetterQueue
from tasks_platform.letters.telling.listeners import Listener, LogListener, MailListener, WebhookListener
from tasks_platform.letters.telling.teller import Teller
from tasks_platform.servers import name_of
from tasks_platform.services.own_mailer import own_mailer
from tasks_platform.settings import Settings

log = logging.getLogger(__name__)
#: Seconds between two looks at the audit and into the broker's graveyard: each look is a question per worker.
_LOOK: Final = 4.0
#: Seconds between two purges of all workers together.
_PURGE: Final = 60.0
#: Seconds that a stopping worker waits for a listener that is being told.
_PATIENCE: Final = 2.0


class Watch:
    """A thread of a worker's main process. Whatever fails in it is logged, and tried again."""

    def __init__(self, queue: DeadLetterQueue) -> None:
        self._queue = queue
        period = queue.settings.letters.tell_every.total_seconds()
        self._tellers = [Teller(queue.store, one, period=period) for one in listeners(queue.settings)]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="letters-watch", daemon=True)
        self._failing: set[str] = set()
        self._next_purge = 0.0
        #: To the broker whose graveyard is looked into, once it was.
        self._connection: Any = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and leave the work to another worker."""
        self._ended.set()
        self._thread.join(_PATIENCE)

    def stop_by_the_end(self) -> None:
        """End without being waited for; only the end of the process waits for a listener that is being told."""
        self._ended.set()
        atexit.register(self._thread.join, _PATIENCE)

    def _run(self) -> None:
        while not self._ended.is_set():
            for number, teller in enumerate(self._tellers):
                self._try(f"teller {number}", teller.look)
            self._try("purge", self._purge)
            self._try("graveyard", self._adopt)
            self._ended.wait(_LOOK)
        for teller in self._tellers:
            with suppress(Exception):  # it is free after a while in any case
                teller.leave()
        self._hang_up()

    def _purge(self) -> None:
        """Drop what is too old or too many, if no worker has done so for a minute."""
        if time.monotonic() < self._next_purge:
            return
        if self._alone("letters-purge", _PURGE - _LOOK):
            bounds = self._queue.settings.letters
            purge(self._queue, keep_for=bounds.keep_for.total_seconds(), keep_most=bounds.keep_most)
        self._next_purge = time.monotonic() + _PURGE

    def _adopt(self) -> None:
        """Make letters of what the broker has given up, if no worker has begun to just now."""
        if self._connection is None:
            self._connection = self._queue.app.connection_for_read()
        try:
            # each server has a graveyard of its own
            if given_up(self._connection) and self._alone(f"letters-adopt:{self._broker}", _LOOK / 2):
                adopt(self._queue, self._connection)
        except Exception:
            self._hang_up()  # another server may be the broker by now
            raise

    @property
    def _broker(self) -> str:
        """The server that this worker works for."""
        return name_of(self._queue.app.conf.broker_read_url)

    def _alone(self, what: str, seconds: float) -> bool:
        """Tell whether no other worker begins *what* for some *seconds*: this one may."""
        me = uuid.uuid4().hex
        return self._queue.store.acquire(what, me, seconds) == me

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.release()

    def _try(self, what: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            if what not in self._failing:  # said once, not at every look
                log.warning("the watch over dead letters fails, and goes on trying: %r", error, exc_info=True)
            self._failing.add(what)
        else:
            self._failing.discard(what)


def listeners(settings: Settings) -> Iterator[Listener]:
    """Yield who is told, as the settings say."""
    yield LogListener()
    if settings.letters.mailed:
        domain = settings.smtp.sender.rpartition("@")[2]
        yield MailListener(own_mailer(settings), settings.letters.mailed, domain=domain)
    if settings.letters.webhook is not None:
        yield WebhookListener(settings.letters.webhook.get_secret_value())
