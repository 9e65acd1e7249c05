"""Classes of workers: what each serves, and how much of it at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_settings import NoDecode

from tasks_platform.queues import Priority
from tasks_platform.settings.durations import Duration
from tasks_platform.settings.group import Group


def _listed(value: Any) -> Any:
    """Read the text of a variable: names separated by commas, or a list in JSON."""
    if not isinstance(value, str):
        return value
    return json.loads(value) if value.lstrip().startswith("[") else [name.strip() for name in value.split(",")]


class WorkerClass(Group):
    """One class of workers."""

    #: The levels it serves, separated by commas; all of them without any.
    priorities: Annotated[tuple[Priority, ...], NoDecode, BeforeValidator(_listed)] = ()
    #: The queues it serves, separated by commas; those of all tasks without any.
    queues: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = ()
    #: Jobs at a time.
    concurrency: int = Field(ge=1)
    #: How long one run may take, if its task does not say so itself; counts as a failed attempt.
    time_limit: Duration | None = None


#: The classes there are unless an installation says otherwise.
DEFAULT_CLASSES: Final[Mapping[str, Mapping[str, Any]]] = {
    "critical": {"priorities": ("critical", "high"), "concurrency": 10},
    "normal": {"priorities": ("normal",), "concurrency": 5},
    "low": {"priorities": ("low", "bulk"), "concurrency": 2},
}


def _over_defaults(given: Any) -> Any:
    """Put what is given over the default classes; None takes one away."""
    if not isinstance(given, Mapping):
        return given
    classes: dict[Any, Any] = dict(DEFAULT_CLASSES)
    for name, fields in given.items():
        changed = isinstance(fields, Mapping)
        classes[name] = {**DEFAULT_CLASSES.get(name, {}), **fields} if changed else fields
    return {name: fields for name, fields in classes.items() if fields is not None}


#: A class is called what its workers are called in logs, and on the command line.
ClassName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
WorkerClasses = Annotated[dict[ClassName, WorkerClass], BeforeValidator(_over_defaults)]
