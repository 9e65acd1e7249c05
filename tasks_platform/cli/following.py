"""Show a flow on its way: a bar per kind of step on a terminal, a line per change elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from celery import states
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tasks_platform import flows
from tasks_platform.flows import Flow

if TYPE_CHECKING:
    from tasks_platform.up import LocalPlatform

_EVERY = 0.2


class FlowProgress:
    """One bar per label of a flow, or one line per change where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bars = Progress(
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=36),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._ids: dict[str, TaskID] = {}
        self._said: dict[str, str] = {}

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._bars.stop()

    def update(self, label: str, done: float, total: float, note: str = "") -> None:
        """Show that *done* of *total* is done."""
        if not self.console.is_terminal:
            line = f"{label:<20} {done:.0f}/{total:.0f} {note}".rstrip()
            finished = done >= total or bool(note)
            if finished and self._said.get(label) != line:
                self._said[label] = line
                self.console.print(line, highlight=False, markup=False)
            return
        if label not in self._ids:
            self._ids[label] = self._bars.add_task(label, total=total, note=note)
        self._bars.update(self._ids[label], completed=done, total=total, note=note)

    def show(self, flow: Flow) -> None:
        """Show how far *flow* is."""
        for label, steps in flow.by_label().items():
            done = sum(step.state == "succeeded" for step in steps)
            stuck = [step for step in steps if step.state in {"parked", "dead", "cancelled", "retrying"}]
            states_ = sorted({step.state for step in stuck})
            note = ", ".join(f"{sum(step.state == state for step in stuck)} {state}" for state in states_)
            self.update(label, done, len(steps), note)


def follow_flow(platform: LocalPlatform, flow_id: str, bars: FlowProgress) -> Flow:
    """Show a flow until it has succeeded or stands still; return it then."""
    for flow in flows.follow(platform.app, flow_id, every=_EVERY):
        platform.check()
        bars.show(flow)
        if flow.state != "running":
            return flow
    raise AssertionError("a flow that is followed ends")


def follow_to_the_end(platform: LocalPlatform, letter: dict[str, Any]) -> None:
    """Wait until a job that was sent again has ended, and its flow with it."""
    console = Console()
    if letter["flow"] is not None:
        with FlowProgress(console) as bars:
            flow = follow_flow(platform, letter["flow"], bars)
        console.print(
            f"the flow {flow.id} has {flow.state}" if flow.state == "succeeded" else f"the flow is {flow.state}"
        )
        return
    handle = platform.app.AsyncResult(letter["id"])
    while platform.app.store.letter(letter["id"]) is not None and handle.state not in states.EXCEPTION_STATES:
        platform.check()
        time.sleep(_EVERY)
    console.print(f"{letter['task']}[{letter['id']}] has ended")
