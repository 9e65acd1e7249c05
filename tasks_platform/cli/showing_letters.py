"""Dead letters for people: a table of them, or one with all there is to know."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from textwrap import shorten
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tasks_platform.cli.showing import a_table, in_colour, printable
from tasks_platform.letters import Letter
from tasks_platform.sealing import masked

#: Characters of a cause in a list, and the fewest of an id.
_SHORT = 160
_FEWEST = 8


def print_letters(console: Console, found: list[Letter], count: int) -> None:
    """Print a table of letters, of which there are *count* in all."""
    title = f"{len(found)} of {count} dead letters" if len(found) < count else f"{count} dead letters"
    table = a_table(title=Text("1 dead letter" if count == 1 else title, "bold"))
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


def print_letter(console: Console, letter: Letter, arguments: dict[str, Any] | None) -> None:
    """Print one letter."""
    console.print(Text.assemble((printable(letter["task"]), "bold"), "  ", in_colour(letter["state"])))
    cause = letter["cause"]
    facts = {
        "letter": letter["id"],
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
