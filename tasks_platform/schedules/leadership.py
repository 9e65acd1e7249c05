"""Which of several beats fires the schedule."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from redis.exceptions import RedisError

from tasks_platform.schedules.beats import Identity
from tasks_platform.store import Store

log = logging.getLogger(__name__)
#: How often a lock is renewed in the time that it holds.
_RENEWALS = 4
#: Seconds between two looks of a beat that stands by: an end without a word shows after this long and a lease.
_LOOK = 0.5


class NotLeadingError(Exception):
    """Another beat leads."""


class Leadership:
    """The lock that one beat holds, kept by a thread.

    1. The thread asks for the lock again and again: the leader to keep it, the others to learn that it is free.
    2. A beat leads until the lease is over that it asked for last, on its own clock and counted from before it asked:
       also when the server does not answer, and before the server gives the lock to another.
    3. A lock that is lost is asked for again, for a new term: what was begun in the last one is refused by the store,
       also where this beat was frozen and leads again before it knows. Nothing here ends a beat.
    4. A beat that ends gives the lock back, and another one leads at once.
    """

    def __init__(self, store: Store, identity: Identity, lease: float) -> None:
        self._store = store
        self._lease = lease
        self._until = 0.0
        self._lock = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep_asking, name="beat-lease", daemon=True)
        self.identity = identity
        #: How often it began to lead.
        self.term = 0
        #: Since when it leads, or stands by.
        self.since = datetime.now(UTC)
        #: When the beat looked at the schedule last.
        self.ticked_at: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether this beat leads."""
        return time.monotonic() < self._until

    @property
    def lock(self) -> str | None:
        """What the store knows the term by that this beat leads in, None if it does not lead."""
        return self._lock if self.held else None

    def start(self) -> None:
        """Ask for the lock from now on."""
        if self._thread.ident is None:
            self._thread.start()

    def step_down(self) -> None:
        """Stop leading: the lock turned out to be another's."""
        self._until = 0.0

    def end(self) -> None:
        """Give the lock back; a server that does not answer finds out by itself."""
        self._ending.set()
        self._until = 0.0
        if self._thread.is_alive():
            self._thread.join(self._lease)
        try:
            self._store.abdicate(self._lock)
            self._store.hide_beat(self.identity.key)
        except (RedisError, OSError) as trouble:
            log.warning("the lease of %s runs out by itself: %r", self.identity.name, trouble)

    def ask(self) -> None:
        """Ask for the lock once, and tell others that this beat is alive."""
        led = self.held
        if self._lock and not led:
            self._store.abdicate(self._lock)  # the server may count longer
        if not led:
            self._lock = f"{self.identity.key}:{self.term + 1}"
        asked = time.monotonic()
        leader = self._store.lead(self._lock, self._lease, renew=led)
        if self._ending.is_set():
            return
        leads = leader == self._lock
        if leads != led:
            self.since = datetime.now(UTC)
            self.term += leads
            log.info("%s %s", self.identity.name, "leads" if leads else f"stands by: {leader or 'nobody'} leads")
        self._until = asked + self._lease if leads else 0.0
        self._lock = self._lock if leads else ""
        told = self.identity.tell(leads=leads, since=self.since, ticked_at=self.ticked_at)
        self._store.show_beat(self.identity.key, told, 3 * self._lease)

    def _keep_asking(self) -> None:
        silent = False
        while not self._ending.is_set():
            try:
                self.ask()
                silent = False
            except Exception as trouble:  # noqa: BLE001 - whatever it is, a beat that never asks again never leads again
                if not silent:
                    log.warning("%s asks for the lease in vain: %r", self.identity.name, trouble)
                silent = True
            self._ending.wait(min(_LOOK, self._lease / _RENEWALS))
