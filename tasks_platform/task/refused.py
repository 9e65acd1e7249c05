"""The next step of a flow that cannot be sent as it is: a dead letter of its own; nothing else fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from tasks_platform.errors import SealingError
from tasks_platform.policies.dead_letters import attempt_of, letter_of
from tasks_platform.policy import Run, Verdict
from tasks_platform.task.envelope import HEADER
from tasks_platform.task.settling import mark_step, tell

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask


def refuse(  # noqa: PLR0913, PLR0917 - the parts of a message
    task: PlatformTask[..., Any],
    job_id: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any],
    error: Exception,
) -> Any:
    """Park the step that could not be sent: replayed with corrected arguments, its flow goes on."""
    kept = {
        name: value for name, value in options.items() if value is not None and name not in {"producer", "connection"}
    }
    own = dict((kept.get("headers") or {}).get(HEADER) or {})
    plain = to_jsonable_python((list(args), dict(kwargs)))
    with suppress(SealingError):  # there is no key, or it would be of no use: what came here came in the open
        plain = task.payload.covered(*plain)
    options = to_jsonable_python({**kept, "task_id": job_id})
    message = {"task": task.name, "args": plain[0], "kwargs": plain[1], "options": options}
    run = Run(
        task=task.name,
        job_id=job_id,
        attempt=0,
        args=args,
        kwargs=kwargs,
        arguments=dict,
        store=task.store,
        headers=own,
        message=lambda: message,
        worker="",
    )
    verdict = Verdict(parked=True)
    task.store.decide(
        job_id, 0, attempt_of(run, error), {"again_in": None, "parked": True}, letter_of(run, error, verdict)
    )
    mark_step(run, "parked")
    tell(run, verdict, error)
    return task.AsyncResult(job_id)
