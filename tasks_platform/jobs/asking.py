"""Ask the worker that has a job to drop or to end it."""

from __future__ import annotations

from typing import Any, Final

from tasks_platform.task.cancel_command import CANCEL_JOB, Answer
from tasks_platform.task.cancel_mark import CancelMark

#: Seconds for which an answer is waited for; a worker gives it within milliseconds.
_PATIENCE: Final = 2.0


class _HeardError(Exception):
    """The answer has come: the others need not be waited for."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def ask(app: Any, queue: str, worker: str, job_id: str, mark: CancelMark) -> Answer | None:
    """Ask the *worker* of *queue*, by the name of its lease, to drop or end a job; None if it does not answer."""

    def heard(replies: dict[str, Any]) -> None:
        for reply in replies.values():
            if isinstance(reply, dict) and reply.get("worker") == worker:
                raise _HeardError(reply["answer"])

    told = {"job_id": job_id, "worker": worker, "mark": mark.write()}
    options = {"arguments": told, "reply": True, "timeout": _PATIENCE, "callback": heard}
    try:
        app.control.broadcast_at(app.servers.of(queue), CANCEL_JOB, options)
    except _HeardError as reply:
        return reply.answer
    return None
