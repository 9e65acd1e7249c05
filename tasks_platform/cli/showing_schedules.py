"""The schedule for people: its entries, their moments and history, and the beats that fire them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.text import Text

from tasks_platform.cli.showing import a_table, in_colour, printable
from tasks_platform.schedules import Beat, Entry
from tasks_platform.schedules.overview import Standing
from tasks_platform.store import Record

#: What is to be said of an entry.
_REMARKS: Final = {
    "waits": "no beat knows it yet",
    "elsewhere": "declared by a module that is not loaded here",
}


def print_schedules(console: Console, found: Sequence[Standing], beats: Sequence[Beat]) -> None:
    """Print a table of entries, and who fires them."""
    if not found:
        console.print("The task modules declare no schedule.")
        return
    table = a_table("schedule", "when", "next in UTC", "on its clocks", "last, and its job", "missed")
    for standing in found:
        entry, coming = standing.entry, standing.coming
        table.add_row(
            printable(entry.name),
            f"{entry.when.words}, {entry.when.zone.key}",
            _shortly(coming) if coming else Text("off" if standing.state == "off" else "never", "dim"),
            _shortly(coming.astimezone(entry.when.zone)) if coming else "",
            _last(standing),
            str(standing.missed),
        )
    console.print(table)
    console.print("")
    print_beats(console, beats)


def print_moments(console: Console, entry: Entry, moments: Sequence[datetime]) -> None:
    """Print moments to come."""
    table = a_table("UTC", entry.when.zone.key, title=Text(f"{entry.name}: {entry.when.words}"))
    for moment in moments:
        table.add_row(_fully(moment), _fully(moment.astimezone(entry.when.zone)))
    console.print(table)


def print_history(console: Console, standing: Standing, firings: Sequence[Record]) -> None:
    """Print what became of moments."""
    title = f"{standing.entry.name}: {standing.fired} fired, {standing.missed} missed"
    table = a_table("due", "state", "seconds after", "job, or why there is none", title=Text(title))
    for firing in firings:
        due, at = _read(firing["moment"]), _read(firing["at"])
        table.add_row(
            _fully(due),
            in_colour(firing["state"]),
            f"{(at - due).total_seconds():.1f}",
            printable(firing.get("job_id") or firing.get("reason") or ""),
        )
    console.print(table)


def print_beats(console: Console, beats: Sequence[Beat]) -> None:
    """Print who fires the schedule."""
    if not beats:
        console.print(
            "No beat is alive, and nothing is fired: start one with celery -A tasks_platform beat", style="red"
        )
    for beat in beats:
        does = "leads" if beat.leads else "stands by"
        looked = f", looked at {_shortly(beat.ticked_at)} last" if beat.ticked_at else ""
        console.print(printable(f"{beat.name} {does} since {_shortly(beat.since)}{looked} (UTC)"))


def _last(standing: Standing) -> str:
    remark = _REMARKS.get(standing.state)
    fired = [_shortly(_read(standing.last["moment"])), standing.last["job_id"]] if standing.last else []
    return printable("\n".join([*fired, *([remark] if remark else [])]) or "-")


def _read(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC)


def _shortly(moment: datetime) -> str:
    return moment.strftime("%a %d %b %H:%M:%S")


def _fully(moment: datetime) -> str:
    return moment.strftime("%a %Y-%m-%d %H:%M:%S %z")
