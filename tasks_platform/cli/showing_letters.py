"""Dead letters for people: a table of them, or one with all there is to know."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks_platform.cli.showing import a_table, in_colour, printable
from tasks_platform.letters import Group, Letter
from tasks_platform.sealing import masked
from tasks_platform.store import Record

#: Characters of a cause in a list, and the fewest of an id.
_SHORT = 160
_FEWEST = 8
#: Tenants and queues of a group that are named.
_MOST = 3


def print_letters(console: Console, found: Sequence[Letter], count: int | None) -> None:
    """Print a table of letters, of which there are *count* in all if that is known."""
    title = "1 dead letter" if len(found) == 1 else f"{len(found)} dead letters"
    if count is not None and len(found) < count:
        title = f"{len(found)} of {count} dead letters"
    table = a_table(title=Text(title, "bold"))
    for column in ("letter", "state", "died", "runs", "task"):
        table.add_column(column, no_wrap=True, justify="right" if column == "runs" else "left")
    table.add_column("cause", ratio=1, overflow="fold")
    ids = [letter["id"] for letter in found]
    for letter in found:
        kind, message = letter["cause"]["type"].rpartition(".")[2], letter["cause"]["message"]
        table.add_row(
            printable(beginning(letter["id"], ids)),
            in_colour(letter["state"]),
            _moment(letter["died_at"])[5:16],
            str(sum(attempt["attempt"] > 0 for attempt in letter["attempts"])),
            printable(letter["task"].rpartition(".")[2]),
            printable(shorten(f"{kind}: {message}", _SHORT, placeholder="...")),
        )
    console.print(table)


def print_groups(console: Console, groups: Sequence[Group]) -> None:
    """Print what the letters of each bug have in common."""
    table = a_table(title=Text("1 bug" if len(groups) == 1 else f"{len(groups)} bugs", "bold"))
    for column in ("letters", "fingerprint", "first seen", "last seen"):
        table.add_column(column, no_wrap=True, justify="right" if column == "letters" else "left")
    table.add_column("bug", ratio=1, overflow="fold")
    for group in groups:
        kind = f"{group.error.rpartition('.')[2]}: {group.message}"
        where = [f"{_count(touched, name)}" for name, touched in _touched(group) if touched]
        words = [group.task, shorten(kind, _SHORT, placeholder="..."), *([group.line] if group.line else []), *where]
        seen = (_moment(group.first_seen)[5:16], _moment(group.last_seen)[5:16])
        table.add_row(str(group.letters), group.fingerprint, *seen, printable("\n".join(words)))
    console.print(table)


def print_audit(console: Console, records: Sequence[Record]) -> None:
    """Print what happened to letters."""
    table = a_table("when", "what", "who", "letter")
    table.add_column("about", ratio=1, overflow="fold")
    for record in records:
        if record["what"] == "purged":
            letter, about = "", f"{record['count']} letters: {record['why']}"
        else:
            error = f" {record['error'].rpartition('.')[2]}: {record['message']}" if record.get("error") else ""
            letter, about = record["id"][:_FEWEST], shorten(record["task"] + error, _SHORT, placeholder="...")
        row = (_moment(record["at"])[5:], record["what"], record["by"], letter, about)
        table.add_row(*map(printable, row))
    console.print(table)


def print_letter(console: Console, letter: Letter, arguments: dict[str, Any] | None) -> None:
    """Print one letter."""
    console.print(Text.assemble((printable(letter["task"]), "bold"), "  ", in_colour(letter["state"])))
    cause = letter["cause"]
    facts = {
        "letter": letter["id"],
        "queue": letter["queue"],
        "tenant": letter["tenant"],
        "flow": letter["flow"],
        "fingerprint": letter["fingerprint"],
        "cause": f"{cause['type']}: {cause['message']}",
        "raised at": cause["line"],
    }
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, fact in facts.items():
        if fact:
            grid.add_row(name, printable(fact))
    console.print(grid)
    _print_arguments(console, letter, arguments)
    table = a_table("attempt", "failed", "worker", "error", title=Text("attempts", "bold"))
    for attempt in letter["attempts"]:
        error = f"{attempt['error']['type'].rpartition('.')[2]}: {attempt['error']['message']}"
        failed = datetime.fromisoformat(attempt["failed_at"]).timestamp()
        number = str(attempt["attempt"]) if attempt["attempt"] else "not run"
        table.add_row(number, _moment(failed), printable(attempt["worker"]), printable(error))
    console.print("")
    console.print(table)
    if letter["traceback"]:
        console.print("traceback", style="bold")
        console.print(printable(letter["traceback"].rstrip()), soft_wrap=True)


def beginning(job_id: str, ids: list[str]) -> str:
    """Return as much of a job id as tells it from the others in *ids*."""
    for length in range(_FEWEST, len(job_id)):
        if sum(other.startswith(job_id[:length]) for other in ids) == 1:
            return job_id[:length]
    return job_id


def _touched(group: Group) -> tuple[tuple[str, Mapping[str, int]], ...]:
    return (("tenant", group.tenants), ("queue", group.queues))


def _count(touched: Mapping[str, int], name: str) -> str:
    """Say which tenants or queues letters are of, the most touched first."""
    most = sorted(touched, key=lambda one: (-touched[one], one))[:_MOST]
    others = f" and {len(touched) - _MOST} more" if len(touched) > _MOST else ""
    return f"{name}{'s' if len(touched) > 1 else ''}: {', '.join(most)}{others}"


def _print_arguments(console: Console, letter: Letter, arguments: dict[str, Any] | None) -> None:
    """Print the arguments by the names that can be edited, or the message where they are not known."""
    if arguments is None:
        message = letter["message"]
        known = message if message.get("raw") else {"args": message["args"], "kwargs": message["kwargs"]}
        console.print("\nmessage", style="bold")
        console.print(printable(json.dumps(masked(known), indent=2, ensure_ascii=False)), soft_wrap=True)
    elif arguments:
        console.print("\narguments", style="bold")
        width = max(map(len, arguments))
        for name, value in arguments.items():
            text = printable(json.dumps(masked(value), ensure_ascii=False))
            console.print(f"  {name:<{width}}  {text}", soft_wrap=True)


def _moment(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
