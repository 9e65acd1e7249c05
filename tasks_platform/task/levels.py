"""Which levels a worker serves: ``--levels critical,high``; all of them without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from tasks_platform.broker.taken_steps import TakenSteps
from tasks_platform.queues import PRIORITY_STEPS, Priority, broker_priority

#: Under which a served queue says the levels, where workers are asked for their queues.
LEVELS: Final = "levels"


def levels_option() -> click.Option:
    """Return the option that ``celery worker`` gets."""
    return click.Option(
        ["--levels"],
        callback=_read,
        metavar="LEVELS",
        help=f"Serve these priorities only, separated by commas: {', '.join(Priority)}.",
    )


def levels_of(worker_options: Mapping[str, Any] | None) -> tuple[Priority, ...]:
    """Return the levels that a worker was told to serve, the highest first; empty: all of them."""
    return (worker_options or {}).get("levels") or ()


def steps_of(levels: tuple[Priority, ...]) -> TakenSteps:
    """Return the priority steps of a channel of Redis that takes the messages of *levels*."""
    return TakenSteps(PRIORITY_STEPS, [broker_priority(level) for level in levels])


def _read(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[Priority, ...]:
    names = [] if value is None else [name.strip().lower() for name in value.split(",")]
    if unknown := [name for name in names if name not in list(Priority)]:
        raise click.BadParameter(f"{', '.join(unknown) or 'nothing'} is no priority; there are {', '.join(Priority)}")
    return tuple(level for level in Priority if level in names)
