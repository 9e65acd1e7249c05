"""What is written down of jobs, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from tasks_platform.settings.group import Group


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class Logs(Group):
    """The logs of workers and beat."""

    #: ``console`` is for people, ``json`` one object a line; ``auto`` is console in a terminal and JSON elsewhere.
    format: Annotated[Literal["auto", "console", "json"], BeforeValidator(_lower)] = "auto"
    #: The least level that is written; ``--loglevel`` on the command line wins.
    level: Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_lower)] = "info"
    #: Write a line when a run begins and when it ends well; what goes wrong is written in any case.
    execution: bool = True
