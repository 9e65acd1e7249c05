"""Settle what has come due: every moment is fired, or recorded with the reason why it was not."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice, takewhile
from typing import Any

from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.firing import firing, send
from tasks_platform.schedules.leadership import Leadership, NotLeadingError
from tasks_platform.schedules.misfire import LONGEST
from tasks_platform.schedules.rows import Rows
from tasks_platform.store import Record, Store
from tasks_platform.task.insist import TROUBLE, insist

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Settling:
    """What it takes to settle what has come due, in one look at the schedule by the beat that leads."""

    app: Any
    store: Store
    rows: Rows
    leadership: Leadership
    #: The lock of the term in which this beat looks: all that it does is refused when that is over.
    lock: str
    #: How many moments of an entry are kept in its history.
    history: int

    def settle(self, entry: Entry, last: datetime) -> datetime:
        """Fire or record as missed what has come due after *last*, and let *entry* go on; return up to when.

        Whatever ends this before it is done, the next call does the same again and nothing twice. Of very many
        moments it does a part: all are done when the answer is *last*.

        Raises:
            NotLeadingError: if another beat leads.

        """
        now = datetime.now(UTC)
        come = takewhile(lambda moment: moment <= now, entry.when.after(last))
        overdue = list(islice(come, LONGEST + entry.misfire.kept))
        if len(overdue) > LONGEST:  # so many come later that these are missed in any case
            overdue, chosen = overdue[:LONGEST], []
        else:
            chosen = list(entry.misfire.to_fire(overdue, now))
        begun = self._miss(entry, sorted(set(overdue).difference(chosen)))
        for moment in sorted({*chosen, *begun}):
            self._fire(entry, moment)
        done = overdue[-1] if overdue else last
        self.rows.write(entry, done, self.lock)
        return done

    def _miss(self, entry: Entry, moments: Iterable[datetime]) -> list[datetime]:
        """Record that *moments* are missed, but for those that a beat had begun to send: these are returned."""
        missed = [firing(moment, "missed", reason=self._why(moment)) for moment in moments]
        begun = self._record(entry, missed) if missed else []
        if len(begun) < len(missed):
            log.warning("the schedule %s missed %d moments", entry.name, len(missed) - len(begun))
        return [datetime.fromisoformat(moment).astimezone(UTC) for moment in begun]

    def _why(self, moment: datetime) -> str:
        return "no beat led then" if moment < self.leadership.since else "it was too late when it could be sent"

    def _fire(self, entry: Entry, moment: datetime) -> None:
        """Claim *moment*, send its job, and record that it was fired."""
        who = self.leadership.identity
        claim = firing(moment, "sending", by=who.name)
        answer = self.store.claim_firing(entry.name, claim, self.lock) if self.leadership.held else "lost"
        if answer == "lost":
            raise NotLeadingError
        if answer == "done":
            return
        job_id = entry.job_id(moment)
        try:
            sent = insist(partial(send, self.app, entry, moment, job_id), patience=0)
        except TROUBLE:
            raise
        except Exception as error:
            log.exception("the schedule %s cannot be sent", entry.name)
            end = firing(moment, "refused", by=who.name, reason=f"{type(error).__name__}: {error}")
        else:
            end = firing(moment, "fired", by=who.name, job_id=sent)
        self._record(entry, [end])

    def _record(self, entry: Entry, firings: Sequence[Record]) -> list[str]:
        if (claimed := self.store.record_firings(entry.name, firings, self.history, lock=self.lock)) is None:
            raise NotLeadingError
        return claimed
