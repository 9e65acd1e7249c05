"""Settle what has come due: every moment is fired, or recorded with the reason why it was not."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.firing import firing, send
from tasks_platform.schedules.leadership import Leadership
from tasks_platform.schedules.misfire import LONGEST
from tasks_platform.schedules.row import Row
from tasks_platform.store import Store
from tasks_platform.task.insist import TROUBLE, insist

log = logging.getLogger(__name__)


class NotLeadingError(Exception):
    """Another beat leads."""


@dataclass(frozen=True, kw_only=True)
class Settling:
    """What it takes to settle the rows of the table."""

    app: Any
    store: Store
    leadership: Leadership
    #: How many moments of an entry are kept in its history.
    history: int

    def settle(self, row: Row) -> None:
        """Fire or record as missed what has come due, and let *row* go on.

        Whatever ends this before it is done, the next call does the same again and nothing twice.

        Raises:
            NotLeadingError: if another beat leads.

        """
        entry, now = row.entry, datetime.now(UTC)
        overdue = list(islice(row.overdue(now), LONGEST + entry.misfire.kept))
        if (
            len(overdue) > LONGEST
        ):  # so many come later that these are missed in any case; the rest is for the next call
            overdue, chosen = overdue[:LONGEST], []
        else:
            chosen = list(entry.misfire.to_fire(overdue, now))
        begun = self._miss(entry, sorted(set(overdue).difference(chosen)))
        for moment in sorted({*chosen, *begun}):
            self._fire(entry, moment)
        row.reschedule(overdue[-1] if overdue else row.last_run_at)

    def _miss(self, entry: Entry, moments: Iterable[datetime]) -> list[datetime]:
        """Record that *moments* are missed, but for those that a beat had begun to send: these are returned."""
        missed = [firing(moment, "missed", reason=self._why(moment)) for moment in moments]
        begun = self.store.record_firings(entry.name, missed, self.history) if missed else []
        if len(begun) < len(missed):
            log.warning("the schedule %s missed %d moments", entry.name, len(missed) - len(begun))
        return [datetime.fromisoformat(moment).astimezone(UTC) for moment in begun]

    def _why(self, moment: datetime) -> str:
        return "no beat led then" if moment < self.leadership.since else "it was too late when it could be sent"

    def _fire(self, entry: Entry, moment: datetime) -> None:
        """Claim *moment*, send its job, and record that it was fired."""
        who = self.leadership.identity
        claim = firing(moment, "sending", by=who.name)
        answer = self.store.claim_firing(entry.name, claim, who.key) if self.leadership.held else "lost"
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
        self.store.record_firings(entry.name, [end], self.history)
