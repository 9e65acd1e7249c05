"""How the schedule stands: what is declared, what the beats have in their table, and what became of it."""

from __future__ import annotations

import difflib
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from tasks_platform.errors import ScheduleError
from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.row import Row, open_table
from tasks_platform.schedules.table import entries_of
from tasks_platform.store import Record


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one entry stands."""

    entry: Entry
    #: ``on``; ``off`` by the settings; ``waits`` until a beat that knows it leads; ``elsewhere``: in the beats' table,
    #: and declared by no module of this process.
    state: Literal["on", "off", "waits", "elsewhere"]
    #: What comes next; None if it is off, or nothing does.
    coming: datetime | None
    #: The last firing, if it is still in the history.
    last: Record | None
    #: How many moments were ever fired, and how many were missed or refused.
    fired: int
    missed: int


def overview(app: Any) -> list[Standing]:
    """Return how every entry stands, by name; the task modules have to be imported."""
    on, off = entries_of(app)
    table = open_table(app)
    prefix = app.redbeat_conf.key_prefix
    keys = cast("list[str]", table.zrange(app.redbeat_conf.schedule_key, 0, -1))
    rows = {key.removeprefix(prefix) for key in keys}
    found = [_standing(app, entry, "on" if name in rows else "waits") for name, entry in on.items()]
    found += [_standing(app, entry, "off") for entry in off.values()]
    for name in rows - on.keys() - off.keys():
        with suppress(KeyError):  # removed in this moment
            found.append(_standing(app, Row.from_key(prefix + name, app=app).entry, "elsewhere"))
    return sorted(found, key=lambda standing: standing.entry.name)


def find(app: Any, name: str) -> Standing:
    """Return how the entry *name* stands.

    Raises:
        ScheduleError: if there is none; the message says what was probably meant.

    """
    known = {standing.entry.name: standing for standing in overview(app)}
    if name not in known:
        meant = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {meant[0]!r}?" if meant else ""
        raise ScheduleError(f"there is no schedule {name!r}{hint}")
    return known[name]


def _standing(app: Any, entry: Entry, state: Literal["on", "off", "waits", "elsewhere"]) -> Standing:
    counts = app.store.count_firings(entry.name)
    history = app.store.firings(entry.name, app.settings.schedules.history)
    return Standing(
        entry=entry,
        state=state,
        coming=None if state == "off" else next(entry.when.after(datetime.now(UTC)), None),
        last=next((firing for firing in history if firing["state"] == "fired"), None),
        fired=counts.get("fired", 0),
        missed=counts.get("missed", 0) + counts.get("refused", 0),
    )
