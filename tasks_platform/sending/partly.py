"""What is said when not all of many jobs could be sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks_platform.errors import PartlySentError
from tasks_platform.sending.call import Call
from tasks_platform.task.outgoing import Outgoing


@dataclass(frozen=True, kw_only=True)
class Job:
    """A call that was checked, and how it is sent."""

    call: Call[Any]
    outgoing: Outgoing


def partly_sent(
    jobs: Sequence[Job], handles: Sequence[Any], rest: Mapping[int, str | None], cause: BaseException, *, unsure: str
) -> PartlySentError:
    """Return the error that says which jobs were sent and which were not.

    *rest* has the places of those that were not, with the token that each is sent under the next time; under the
    token *unsure* a job may have been sent.
    """
    unsent = {number: jobs[number].outgoing.job_id for number in sorted(rest)}
    doubtful = {number: job_id for number, job_id in unsent.items() if rest[number] == unsure}
    doubt = f", and of {len(doubtful)} of them the broker did not say whether it had taken them" if doubtful else ""
    counts = f"{len(jobs) - len(rest)} of {len(jobs)} jobs were sent, {len(rest)} were not{doubt}"
    return PartlySentError(
        f"{counts}: {type(cause).__name__}: {cause}; enqueue_many(error.rest) sends the others, none of them twice",
        sent={number: handle.id for number, handle in enumerate(handles) if number not in rest},
        unsent=unsent,
        unsure=doubtful,
        rest=[replace(jobs[number].call, job_id=unsent[number], token=rest[number]) for number in unsent],
    )
