"""A state of a job as the result backend keeps it, and the step that stores some."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from tasks_platform.broker.leased.script_lines import ScriptLines


class State(NamedTuple):
    """A state of a job."""

    #: Where it is kept.
    key: str | bytes
    #: What is kept there.
    text: str | bytes
    #: For how many seconds; None: for ever.
    seconds: int | None


def write(lines: ScriptLines, states: Sequence[State]) -> None:
    """Store *states* in their order.

    Raises:
        redis.RedisError: if the server does not take them.

    """
    arguments = [part for state in states for part in (state.text, state.seconds or 0)]
    lines.run(_script(), [state.key for state in states], arguments)


@cache
def _script() -> str:
    return (files("tasks_platform.task") / "lua" / "store_states.lua").read_text()
