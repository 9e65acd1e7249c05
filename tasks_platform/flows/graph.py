"""From a frozen canvas to its steps: who runs, after whom, for whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from celery import chord
from celery.canvas import Signature, _chain, group, maybe_signature

from tasks_platform.task.envelope import HEADER


def labelled(signature: Any, label: str, *, weight: float = 1.0, subject: str = "") -> Any:
    """Give a step a name that people read, its share of the flow's progress, and whom it is about."""
    _own_headers(signature).update(label=label, weight=weight, subject=subject)
    return signature


def jobs(canvas: Any) -> Iterator[Signature[Any]]:
    """Yield every single job of a canvas."""
    if isinstance(canvas, (_chain, group)):
        for member in canvas.tasks:
            yield from jobs(member)
    elif isinstance(canvas, chord):
        yield from jobs(canvas.tasks)
        yield from jobs(canvas.body)
    elif isinstance(canvas, (list, tuple)):
        for member in canvas:
            yield from jobs(member)
    else:
        yield canvas


def address(canvas: Any, **headers: Any) -> None:
    """Write the flow's headers on every job of *canvas*."""
    for job in jobs(canvas):
        _own_headers(job).update(headers)


def steps_of(canvas: Any) -> dict[str, dict[str, Any]]:
    """Return the steps of a frozen canvas by job id, in order, each with the ids it comes after."""
    steps: dict[str, dict[str, Any]] = {}
    _collect(canvas, (), steps)
    return steps


def _collect(canvas: Any, after: tuple[str, ...], steps: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Add the steps of *canvas* and return the ids that what follows comes after."""
    if isinstance(canvas, _chain):
        for member in canvas.tasks:
            after = _collect(member, after, steps)
        return after
    if isinstance(canvas, chord):
        return _collect(canvas.body, _collect(canvas.tasks, after, steps), steps)
    if isinstance(canvas, (group, list, tuple)):
        members = canvas.tasks if isinstance(canvas, group) else canvas
        return tuple(last for member in members for last in _collect(member, after, steps))
    own = _own_headers(canvas)
    steps[canvas.options["task_id"]] = {
        "task": canvas.task,
        "label": own.get("label") or canvas.task.rpartition(".")[2].replace("_", " "),
        "subject": own.get("subject", ""),
        "weight": own.get("weight", 1.0),
        "after": list(after),
    }
    return (canvas.options["task_id"],)


def _own_headers(signature: Any) -> dict[str, Any]:
    headers: dict[str, Any] = signature.options.setdefault("headers", {})
    own: dict[str, Any] = headers.setdefault(HEADER, {})
    return own


def revived(stored: Any, app: Any) -> Any:
    """Return a canvas from the JSON it was stored as."""
    return maybe_signature(stored, app=app)
