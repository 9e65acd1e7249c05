"""Teller: reads the audit where it stopped, and tells one listener."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from tasks_platform.letters.claimant import a_claimant, is_gone
from tasks_platform.letters.telling.listeners import Listener
from tasks_platform.letters.telling.news import News, due, known_from, record_of, told, with_burials
from tasks_platform.store import Record, Store

log = logging.getLogger(__name__)
#: Records of the audit that are read at once.
_PAGE: Final = 500
#: Seconds after which another worker tells, when the one that did has not been heard of.
_CLAIM: Final = 30.0
#: Seconds for which one that tells is not asked again whether it still does: what it saves or tells is, each time.
_SURE: Final = 15.0
#: Seconds until a listener that failed is told again; doubled each time.
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 300.0


class Teller:
    """Tells one listener of every burial, at least once, also when the worker that buried was killed right after.

    1. Of all workers, the one that holds the listener's claim tells it.
    2. What the audit says since the last time is added to what is untold of each bug, and saved with how far the audit
       was read.
    3. What is due is told, and saved as told after that: killed in between, it is told again. One that was so slow
       that another one has taken over saves nothing.
    """

    def __init__(
        self, store: Store, listener: Listener, *, period: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._listener = listener
        self._period = period
        self._clock = clock
        self._me = a_claimant()
        self._saved: Record = {}
        self._sure_until = 0.0
        self._again_at = 0.0
        self._pause = _FIRST_PAUSE

    def look(self) -> None:
        """Read the audit and tell what is due, if this process is the one that does."""
        if self._clock() >= self._sure_until:
            if not self._may_tell():
                return
            self._saved = self._store.teller(self._listener.name)
        cursor, known = self._saved.get("cursor", ""), known_from(self._saved.get("bugs", ()))
        while records := self._store.audit(cursor, _PAGE):
            self._complain_of_a_gap(cursor)
            cursor, known = records[-1]["audit_id"], with_burials(known, records)
            if not self._save(cursor, known):
                return
        if self._clock() < self._again_at:
            return
        for news in due(known, now=self._clock(), period=self._period):
            # the one before may have taken its time, and another process may have taken over
            if not (self._may_tell() and self._tell(news)):
                return
            known = told(known, news, now=self._clock(), period=self._period)
            if not self._save(cursor, known):
                return

    def leave(self) -> None:
        """Let another worker tell from now on."""
        self._sure_until = 0.0
        self._store.release(self._claim, self._me)

    def _tell(self, news: News) -> bool:
        name = self._listener.name
        try:
            self._listener.tell(news)
        except Exception as error:  # noqa: BLE001 - whatever a listener raises, it hurts nobody else
            self._again_at = self._clock() + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            log.warning("%s could not be told of a dead letter, and will be again: %s", name, error)
            return False
        self._pause = _FIRST_PAUSE
        return True

    def _save(self, cursor: str, known: Mapping[str, News]) -> bool:
        """Save how far this process is, unless another one has taken over and is further."""
        record = {"cursor": cursor, "bugs": record_of(known)}
        if not self._store.save_teller(self._listener.name, record, read=self._saved):
            self._sure_until = 0.0
            return False
        self._saved = record
        return True

    def _complain_of_a_gap(self, cursor: str) -> None:
        """Say so if the audit no longer has the record that was read last: those after it may be gone, too."""
        oldest = self._store.audit(limit=1)
        if cursor and oldest and _place(oldest[0]["audit_id"]) > _place(cursor):
            name = self._listener.name
            log.error("%s may not hear of some dead letters: more happened since %s than the audit keeps", name, cursor)

    def _may_tell(self) -> bool:
        """Tell whether this process tells; one that was killed on the same machine is not waited for."""
        holder = self._store.acquire(self._claim, self._me, _CLAIM)
        if holder != self._me and is_gone(holder):
            self._store.release(self._claim, holder)
            holder = self._store.acquire(self._claim, self._me, _CLAIM)
        self._store.extend(self._claim, self._me, _CLAIM)
        self._sure_until = self._clock() + _SURE if holder == self._me else 0.0
        return holder == self._me

    @property
    def _claim(self) -> str:
        return f"letters-teller:{self._listener.name}"


def _place(audit_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in audit_id.split("-"))
