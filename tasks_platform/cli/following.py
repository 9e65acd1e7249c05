"""Show a flow on its way: a bar per kind of step on a terminal, a line per change elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from tasks_platform import flows
from tasks_platform.cli.showing import in_colour
from tasks_platform.errors import PlatformError
from tasks_platform.flows import Flow, Step
from tasks_platform.letters import is_parked

if TYPE_CHECKING:
    from tasks_platform.up import LocalPlatform

_EVERY = 0.2
#: States that are worth a word beside a bar.
_NOTED = ("parked", "dead", "cancelled", "retrying", "held")


class FlowProgress:
    """One bar per label of a flow, or one line per change where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bars = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=30, complete_style="cyan", finished_style="green"),
            TextColumn("{task.fields[count]:>7}", justify="right"),
            TextColumn("{task.fields[clock]:>6}", style="dim", justify="right"),
            _NoteColumn(""),
            console=console,
        )
        self._ids: dict[str, TaskID] = {}
        #: When a label was first seen to be under way, and what was last said of it.
        self._begun: dict[str, float] = {}
        self._said: dict[str, tuple[bool, str]] = {}

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.console.is_terminal:
            self._bars.stop()

    def update(  # noqa: PLR0913 - what is to be seen of a bar
        self, label: str, done: float, total: float, *, count: str = "", note: Text | None = None, begun: bool = True
    ) -> None:
        """Show that *done* of *total* is done."""
        words = note or Text()
        if self.console.is_terminal:
            self._draw(label, done, total, {"count": count, "note": words}, begun=begun)
        elif (now := (done >= total, words.plain)) != self._said.get(label, (False, "")):
            self._said[label] = now
            self.console.print(f"{label:<18} {count:>7} {words.plain}".rstrip(), soft_wrap=True)

    def show(self, flow: Flow) -> None:
        """Show how far *flow* is."""
        for label, steps in flow.by_label().items():
            done = sum(step.state == "succeeded" for step in steps)
            begun = any(step.state != "pending" for step in steps)
            note = _note(steps, standing=flow.state != "running")
            self.update(label, done, len(steps), count=f"{done}/{len(steps)}", note=note, begun=begun)

    def _draw(self, label: str, done: float, total: float, fields: dict[str, Any], *, begun: bool) -> None:
        if label not in self._ids:
            self._ids[label] = self._bars.add_task(label, total=total, clock="", **fields)
        bar = self._ids[label]
        if begun and done < total:
            self._begun.setdefault(label, time.monotonic())
        if (since := self._begun.get(label)) is not None and not self._bars.tasks[bar].finished:
            fields["clock"] = f"{time.monotonic() - since:.0f} s"
        self._bars.update(bar, completed=done, total=total, **fields)


class _NoteColumn(TextColumn):
    """Shows a note in its own colours."""

    def render(self, task: Any) -> Text:
        note: Text = task.fields["note"]
        return note


def _note(steps: Sequence[Step], *, standing: bool) -> Text:
    """Say how many steps need somebody, or wait for those that do."""
    counted = Counter(step.state for step in steps)
    notes = [Text.assemble(f"{counted[state]} ", in_colour(state)) for state in _NOTED if counted[state]]
    if standing and counted["pending"]:
        notes.append(Text(f"{counted['pending']} waiting", "dim"))
    return Text(", ").join(notes)


def follow_flow(platform: LocalPlatform, flow_id: str, bars: FlowProgress) -> Flow:
    """Show a flow until it has succeeded or stands still; return it then."""
    for flow in flows.follow(platform.app, flow_id, every=_EVERY):
        platform.check()
        bars.show(flow)
        if flow.state != "running":
            return flow
    raise AssertionError("a flow that is followed ends")


def follow_to_the_end(platform: LocalPlatform, letter: dict[str, Any], console: Console) -> None:
    """Wait until a job that was sent again has ended, and its flow with it; say how.

    Raises:
        PlatformError: if the job failed again.

    """
    while (now := platform.app.store.letter(letter["id"])) is not None and now["state"] == "replaying":
        platform.check()
        time.sleep(_EVERY)
    if now is not None:
        cause = now["cause"]["message"] or now["cause"]["type"]
        raise PlatformError(f"{letter['task']}[{letter['id']}] failed again, and is {now['state']}: {cause}")
    console.print(f"{letter['task']}[{letter['id']}] is done", soft_wrap=True)
    if letter["flow"] is not None and is_parked(letter):
        with FlowProgress(console) as bars:
            flow = follow_flow(platform, letter["flow"], bars)
        console.print(f"the flow {flow.id} has succeeded" if flow.state == "succeeded" else f"the flow is {flow.state}")
