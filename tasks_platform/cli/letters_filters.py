"""Options that say which dead letters are meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final

import click

from tasks_platform.letters import Group, Where

#: How durations are typed.
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONG_AGO = re.compile(r"(\d+)([smhdw])")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which letters are meant."""

    where: Where
    #: Text in their arguments.
    text: str | None
    #: The moments as they were typed: the same command says "12h" again when it is later.
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def everything(self) -> bool:
        """Whether nothing was asked for."""
        return self.where == Where() and self.text is None

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for: the same for the same command."""
        return {"where": {**self.where.record(), **self.typed}, "text": self.text}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A moment as it was typed, and the timestamp that it is."""

    typed: str
    at: float


class _MomentType(click.ParamType[Moment]):
    """A moment, or how long ago it was."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Moment:
        """Read it; a moment without a time zone is local."""
        if isinstance(value, Moment):
            return value
        try:
            return Moment(typed=value, at=moment(value, now=datetime.now(UTC)))
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is neither a moment (2026-11-22T08:30) nor how long ago it was (90m, 12h, 7d)")


def moment(text: str, *, now: datetime) -> float:
    """Read a moment of ISO 8601, or how long before *now* it was, as a timestamp.

    Raises:
        ValueError: if it is neither.

    """
    if found := _LONG_AGO.fullmatch(text):
        return (now - timedelta(**{UNITS[found[2]]: int(found[1])})).timestamp()
    return datetime.fromisoformat(text).timestamp()


_OPTIONS: Final = (
    click.option("--task", metavar="NAME", help="Of this task; the last part of its name is enough."),
    click.option("--queue", metavar="NAME", help="From this queue."),
    click.option("--tenant", metavar="NAME", help="Of jobs that work for this tenant."),
    click.option("--fingerprint", metavar="ID", help="Of this bug, see 'groups'; the beginning is enough."),
    click.option("--state", type=click.Choice(["dead", "parked", "replaying"]), help="In this state."),
    click.option(
        "--since", type=_MomentType(), metavar="WHEN", help="Died then or later: 2026-11-22T08:30, or 12h ago."
    ),
    click.option("--until", type=_MomentType(), metavar="WHEN", help="Died then or earlier."),
    click.option("--text", metavar="TEXT", help="With this text in their arguments."),
)


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* the options that say which letters are meant; it is called with what was *chosen*."""

    @wraps(command)
    def called(*args: Any, text: str | None, **kwargs: Any) -> Any:
        asked = {name: kwargs.pop(name) for name in Where.__dataclass_fields__}
        moments = {name: moment for name, moment in asked.items() if isinstance(moment, Moment)}
        where = Where(**{**asked, **{name: moment.at for name, moment in moments.items()}})
        typed = {name: moment.typed for name, moment in moments.items()}
        return command(*args, chosen=Chosen(where=where, text=text, typed=typed), **kwargs)

    for option in reversed(_OPTIONS):
        option(called)
    return called


def in_full(chosen: Chosen, groups: Sequence[Group]) -> Chosen:
    """Return *chosen* with the whole name of the task and the whole fingerprint, where one group alone has them."""
    where = chosen.where
    tasks = {group.task for group in groups if where.task in {group.task, group.task.rpartition(".")[2]}}
    if len(tasks) == 1:
        where = replace(where, task=tasks.pop())
    prints = {group.fingerprint for group in groups if group.fingerprint.startswith(where.fingerprint or " ")}
    if len(prints) == 1:
        where = replace(where, fingerprint=prints.pop())
    return replace(chosen, where=where)
