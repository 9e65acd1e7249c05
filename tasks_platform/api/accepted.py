"""The answer of a service that has sent a job and does not wait for it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tasks_platform.task.handle import JobHandle


class Accepted(BaseModel):
    """The body of a ``202 Accepted`` (RFC 9110, section 15.3.3): the work is not done yet."""

    job_id: str


def accepted(job: JobHandle[Any]) -> Accepted:
    """Return what to answer for *job*; the route says ``status_code=202``."""
    return Accepted(job_id=job.id)
