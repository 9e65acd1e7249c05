"""The static table: the entries that the task modules of this process declare."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

from tasks_platform.errors import ScheduleError
from tasks_platform.schedules.entry import Entry


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A declaration; the name of its task is known once there is an application."""

    name: str
    #: Where the function is that it runs.
    runs: str
    #: All that it says, to tell another one of the same name from this one, imported again.
    says: tuple[Any, ...]
    entry: Callable[[], Entry] = field(compare=False)


#: Where the modules are that ship as examples.
_BUSINESS: Final = "tasks_platform.tasks."
_begun: set[str] = set()
_declared: dict[str, Declared] = {}


def entries_of(app: Any) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return the entries that are on and off by the settings of *app*, whose task modules have to be imported.

    Raises:
        ScheduleError: see ``declared_entries``.

    """
    return declared_entries(app.settings.schedules.switched_off, business=app.settings.business)


def begin(name: str) -> None:
    """Remember that an entry *name* has been begun."""
    _begun.add(name)


def declare(declared: Declared) -> None:
    """Add an entry to the table.

    Raises:
        ScheduleError: if there is another one of its name.

    """
    _begun.discard(declared.name)
    if _declared.setdefault(declared.name, declared) != declared:
        raise ScheduleError(f"there are two schedules of the name {declared.name!r}, which has to tell them apart")


def declared_entries(off: Collection[str] = (), *, business: bool = True) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return the entries that are on and those that are switched *off*, by name.

    Without *business* those of the modules that ship as examples are left out, also where something imported them.

    Raises:
        ScheduleError: if an entry does not say what it runs, or *off* names one that there is not.

    """
    if _begun:
        name = min(_begun)
        raise ScheduleError(f"schedule({name!r}) says when and not what: add .runs(task, ...)")
    entries = {
        name: declared.entry()
        for name, declared in sorted(_declared.items())
        if business or not declared.runs.startswith(_BUSINESS)
    }
    for name in sorted(set(off) - entries.keys()):
        meant = difflib.get_close_matches(name, entries, 1)
        hint = f"; did you mean {meant[0]!r}?" if meant else ""
        raise ScheduleError(f"TASKS_SCHEDULES__OFF names {name!r}, and no task module declares it{hint}")
    on = {name: entry for name, entry in entries.items() if name not in off}
    return on, {name: entries[name] for name in entries if name in off}
