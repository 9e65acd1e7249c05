"""Bring RedBeat's table up to what the task modules declare."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks_platform.errors import ScheduleError
from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.row import Row
from tasks_platform.schedules.rows import REMEMBERED
from tasks_platform.schedules.settle import Settling

log = logging.getLogger(__name__)


def install(
    settling: Settling, entries: Mapping[str, Entry], off: Collection[str], remembered: Mapping[str, datetime]
) -> None:
    """Write the *entries*, and remove those that are declared no more or are *off*.

    An entry goes on after the moment that was dealt with last: as its row says or, where that was lost, as the history
    or this beat has *remembered*. A new one begins now, and so does one that was off. One that comes at other times
    than before begins now, too, when what had come due before is settled.
    """
    rows, lock = settling.rows, settling.lock
    declared = rows.declared()
    for name in sorted(declared - entries.keys()):
        log.info("the schedule %s is %s", name, "off" if name in off else "declared no more")
        rows.drop(name, lock, remembered=0 if name in off else REMEMBERED)
    for entry in entries.values():
        now = datetime.now(UTC)
        last = rows.last(entry.name)
        if last is None:
            told = _told(settling, entry.name) if entry.name in declared else None
            last = max((moment for moment in (told, remembered.get(entry.name)) if moment), default=now)
        elif (before := _stored(settling.app, entry)) is not None and before.when != entry.when:
            while (done := settling.settle(before, last)) > last:
                last = done
            last = now
        rows.write(entry, last, lock)


def _stored(app: Any, entry: Entry) -> Entry | None:
    """Return *entry* as it came due so far, None if that cannot be told."""
    try:
        stored = Row.from_key(Row.generate_key(app, entry.name), app=app)
    except (KeyError, ScheduleError, TypeError, ValueError) as error:
        log.warning("it cannot be told when the schedule %s came due before: %s", entry.name, error)
        return None
    return replace(entry, when=stored.schedule.when)


def _told(settling: Settling, name: str) -> datetime | None:
    """Return up to when the history tells what became of the moments of an entry, None if it tells nothing."""
    told = [record for record in settling.store.firings(name, settling.history) if record.get("by") != "hand"]
    begun = [_moment(record) for record in told if record["state"] == "sending"]
    ended = [_moment(record) for record in told if record["state"] != "sending"]
    return min(begun) - timedelta(microseconds=1) if begun else max(ended, default=None)


def _moment(record: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(record["moment"]).astimezone(UTC)
