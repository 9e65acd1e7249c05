"""Show a replay of many letters: what it would send, how far it is, and how it ended."""

from __future__ import annotations

import time
from textwrap import shorten
from typing import Final

from rich.console import Console
from rich.text import Text

from tasks_platform.cli.following import FlowProgress
from tasks_platform.cli.showing import a_table, printable
from tasks_platform.letters.replays import GroupStatus, ReplayRun, ReplayStatus, Selection

#: Characters of what an error says.
_SHORT: Final = 120
#: Seconds without a change after which it is said what is waited for.
_LONG: Final = 10.0


def print_selection(console: Console, selection: Selection, what: str) -> None:
    """Print the letters that were chosen, by bug."""
    count = len(selection.letters)
    title = f"{count} dead letter{'' if count == 1 else 's'} {what}"
    if selection.letters:
        table = a_table(title=Text(title, "bold"))
        table.add_column("letters", justify="right", no_wrap=True)
        table.add_column("fingerprint", no_wrap=True)
        table.add_column("bug", ratio=1, overflow="fold")
        for group in selection.groups():
            table.add_row(str(group.letters), group.fingerprint, _bug(group))
        console.print(table)
    else:
        console.print(title)
    if selection.left_out:
        words = "are being replayed already (see 'letters replays'), or were written by a newer version of the platform"
        console.print(f"{selection.left_out} more {words}", style="yellow")


def follow_replay(run: ReplayRun, console: Console) -> ReplayStatus:
    """Run a replay to its end, with a bar for each bug; print and return how it ended."""
    ended: ReplayStatus | None = None
    changed = time.monotonic()
    with FlowProgress(console) as bars:
        for now in run:
            changed = changed if now == ended else time.monotonic()
            waiting = time.monotonic() > changed + _LONG
            ended = now
            for group in now.groups:
                done = group.recovered + group.skipped + group.back + group.left
                count, note = f"{done}/{group.letters}", _note(group, waiting=waiting)
                bars.update(group.fingerprint, done, group.letters, count=count, note=note, begun=done + group.out > 0)
    if ended is None:
        raise AssertionError("a replay that is run has a status")
    table = a_table(title=Text(f"replay {ended.id}", "bold"))
    for column in ("recovered", "skipped", "came back", "left", "not sent"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("bug", ratio=1, overflow="fold")
    for group in ended.groups:
        figures = (group.recovered, group.skipped, group.back, group.left, group.todo)
        table.add_row(*map(str, figures), _bug(group, *filter(None, (group.stopped, *group.reasons))))
    console.print(table)
    return ended


def _note(group: GroupStatus, *, waiting: bool) -> Text:
    """Say what needs somebody: also a worker, where nothing happens."""
    notes = [Text(f"{group.back} came back", "red")] if group.back else []
    notes += [Text(f"{group.skipped} skipped", "yellow")] if group.skipped else []
    notes += [Text(f"{group.left} left", "yellow")] if group.left else []
    notes += [Text("stopped", "red")] if group.stopped else []
    notes += [Text(f"{group.out} not run yet", "yellow")] if waiting and group.out else []
    return Text(", ").join(notes)


def _bug(group: GroupStatus, *more: str) -> str:
    error = shorten(f"{group.error.rpartition('.')[2]}: {group.message}", _SHORT, placeholder="...")
    return printable("\n".join((group.task, error, *((group.line,) if group.line else ()), *more)))
