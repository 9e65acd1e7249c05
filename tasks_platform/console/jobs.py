"""How a job is shown on Flower's pages and in its answers: without secrets, and not at any length."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from celery import current_app

from tasks_platform.console.masking import masked_arguments, masked_value

#: Characters of an argument list or a result; of a traceback, which is read to its end.
LONGEST: Final = 1_000
LONGEST_TRACEBACK: Final = 20_000
_TEXTS: Final = ("kwargs", "result", "exception", "traceback")


def format_task(task: Any) -> Any:
    """Show a job of Flower's memory; Flower hands over a copy."""
    shown = masked_job({"name": task.name, "args": task.args, **{name: getattr(task, name) for name in _TEXTS}})
    for name in ("args", *_TEXTS):
        setattr(task, name, shown[name])
    return task


def masked_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a job, or of its result, without secrets."""
    shown = dict(job)
    if "args" in job:
        shown["args"] = _arguments(job["args"], parameters(job["name"]) if job.get("name") else ())
    for name in _TEXTS:
        if name in job:
            value = masked_value(job[name])
            longest = LONGEST_TRACEBACK if name == "traceback" else LONGEST
            shown[name] = _shortened(value, longest) if isinstance(value, str) else value
    return shown


@lru_cache(maxsize=1024)
def parameters(task_name: str) -> tuple[str, ...]:
    """Return the names of a task's positional parameters; none where the task is not known here."""
    task: Any = current_app.tasks.get(task_name)
    if task is None:
        return ()
    signature = task.payload.signature if hasattr(task, "payload") else inspect.signature(task.run)
    return tuple(signature.parameters)


def _arguments(args: Any, names: Sequence[str]) -> Any:
    """Mask arguments by position: Flower knows them as text, a worker that is asked answers with a list."""
    if isinstance(args, (list, tuple)):
        named = [masked_value({name: item}) for name, item in zip(names, args, strict=False)]
        return [value for item in named for value in item.values()] + masked_value(list(args[len(named) :]))
    return _shortened(masked_arguments(args, names), LONGEST) if isinstance(args, str) else args


def _shortened(text: str, longest: int) -> str:
    """Leave out the middle of a long text: an error is told at the end of its traceback."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]} ... {len(text) - 2 * half:,} characters ... {text[-half:]}"
