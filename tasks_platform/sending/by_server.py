"""Many jobs whose queues lie on several servers: each server gets its own, also where another one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tasks_platform.errors import PartlySentError
from tasks_platform.sending.partly import Job

#: Sends jobs that lie together, at an address.
_Send = Callable[[str, list[Job]], list[Any]]


def by_server(app: Any, jobs: Sequence[Job], send: _Send) -> list[Any]:
    """Send *jobs* with *send*, those of a server together, and return their handles in order.

    Raises:
        PartlySentError: if not all could be sent; what other servers take is sent all the same.

    """
    places: dict[str, list[int]] = {}
    for number, job in enumerate(jobs):
        address = app.server_of(job.outgoing.task.name, job.outgoing.options) if app.servers else ""
        places.setdefault(address, []).append(number)
    if len(places) == 1:
        return send(next(iter(places)), list(jobs))
    handles: dict[int, Any] = {}
    errors: list[tuple[list[int], PartlySentError]] = []
    for address, numbers in places.items():
        try:
            handles |= zip(numbers, send(address, [jobs[number] for number in numbers]), strict=True)
        except PartlySentError as error:
            errors.append((numbers, error))
    if errors:
        raise _joined(errors, {number: handle.id for number, handle in handles.items()}, len(jobs)) from errors[0][1]
    return [handles[number] for number in range(len(jobs))]


def _joined(errors: Sequence[tuple[list[int], PartlySentError]], sent: dict[int, str], total: int) -> PartlySentError:
    """Return what *errors* say together, each of the jobs at its places, besides what was *sent* by others."""
    unsent: dict[int, tuple[str, Any]] = {}
    unsure: dict[int, str] = {}
    for numbers, error in errors:
        sent |= {numbers[place]: job_id for place, job_id in error.sent.items()}
        unsure |= {numbers[place]: job_id for place, job_id in error.unsure.items()}
        for (place, job_id), call in zip(error.unsent.items(), error.rest, strict=True):
            unsent[numbers[place]] = (job_id, call)
    ordered = sorted(unsent)
    causes = "; ".join(str(error) for _, error in errors)
    return PartlySentError(
        f"{total - len(ordered)} of {total} jobs were sent to several servers, {len(ordered)} were not: {causes}",
        sent=dict(sorted(sent.items())),
        unsent={number: unsent[number][0] for number in ordered},
        unsure=dict(sorted(unsure.items())),
        rest=[unsent[number][1] for number in ordered],
    )
