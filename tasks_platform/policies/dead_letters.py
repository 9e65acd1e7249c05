"""Keep what will not succeed by itself, with all it takes to send it again."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tasks_platform.errors import TryAgain
from tasks_platform.policy import Policy, Proceed, Run, Verdict
from tasks_platform.sealing import censored
from tasks_platform.store import legible

#: The shape of a letter, see ``tasks_platform.letters.upgrades``. 2: it has its queue, also one that nobody understood.
SCHEMA = 2
_LONGEST_TRACEBACK = 20_000
_LONGEST_ERROR = 2_000
#: Code between the worker and the function: never the line that a bug is on.
_MACHINERY = frozenset(
    {"celery", "billiard", "tasks_platform.task", "tasks_platform.policies", "tasks_platform.policy"}
)


@dataclass(frozen=True, kw_only=True)
class DeadLetters(Policy):
    """Record every failed attempt; keep the job as a dead letter when no attempt is left.

    1. A run fails; the policies further in say whether there is another attempt.
    2. The attempt and the verdict are recorded in one step. Whoever hears of the same run again (the child
       that ran it, the worker's main process) gets the verdict that stands.
    3. Without another attempt the letter is written in that same step: the message, the cause, the traceback.
       Inside a flow whose rule is to park, the job is parked: its flow stays open until the letter is replayed.
    """

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Record the verdict, and the letter if it is final."""
        verdict = proceed()
        if verdict.final:
            verdict = replace(verdict, parked=run.headers.get("rule") == "park")
        letter = letter_of(run, error, verdict) if verdict.final else None
        standing = run.store.decide(
            run.job_id,
            run.attempt,
            attempt_of(run, error),
            {"again_in": verdict.again_in, "parked": verdict.parked},
            letter,
        )
        return Verdict(**standing)


def attempt_of(run: Run, error: BaseException) -> dict[str, Any]:
    """Describe one failed attempt."""
    cause = cause_of(error)
    return {
        "attempt": run.attempt,
        "started_at": run.started_at.isoformat(),
        "failed_at": datetime.now(UTC).isoformat(),
        "worker": run.worker,
        "error": {"type": type_name(cause), "message": message_of(cause)},
    }


def letter_of(run: Run, error: BaseException, verdict: Verdict) -> dict[str, Any]:
    """Describe a job that will not succeed by itself."""
    cause = cause_of(error)
    line = raising_line(cause)
    message = run.message()
    return {
        "schema": SCHEMA,
        "id": run.job_id,
        "task": run.task,
        "queue": queue_of(message),
        "state": "parked" if verdict.parked else "dead",
        "tenant": run.tenant,
        "flow": run.flow_id,
        "died_at": datetime.now(UTC).timestamp(),
        "message": message,
        "cause": {"type": type_name(cause), "message": message_of(cause), "line": line},
        "traceback": legible(censored("".join(traceback.format_exception(cause)))[-_LONGEST_TRACEBACK:]),
        "fingerprint": fingerprint(run.task, cause, line),
    }


def queue_of(message: Mapping[str, Any]) -> str | None:
    """Return the queue that *message*, understood or raw, was taken from."""
    return (message if message.get("raw") else message.get("options") or {}).get("queue")


def fingerprint(task: str, cause: BaseException, line: str) -> str:
    """Return what letters of the same bug have in common: the task, the type of the error, the raising line."""
    return hashlib.sha256(f"{task}|{type_name(cause)}|{line}".encode()).hexdigest()[:12]


def raising_line(error: BaseException) -> str:
    """Return ``module:line in function`` of the innermost frame that is not the platform's machinery."""
    frames = [
        (frame.f_globals.get("__name__", "?"), number, frame.f_code.co_name)
        for frame, number in traceback.walk_tb(error.__traceback__)
    ]
    own = [frame for frame in frames if not _is_machinery(frame[0])]
    return "{}:{} in {}".format(*own[-1]) if own else ""


def message_of(error: BaseException) -> str:
    """Return what an error says, without secrets; one that cannot say it must not cost the letter."""
    try:
        return legible(censored(str(error)))[:_LONGEST_ERROR]
    except Exception as bug:  # noqa: BLE001 - somebody's __str__ may raise anything
        return f"(its message cannot be shown: {type_name(bug)})"


def type_name(error: BaseException) -> str:
    """Return the qualified name of an error's type."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def cause_of(error: BaseException) -> BaseException:
    """Return what went wrong, without the instruction it was wrapped in."""
    return error.cause if isinstance(error, TryAgain) and error.cause is not None else error


def _is_machinery(module: str) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:length]) in _MACHINERY for length in (1, 2))
