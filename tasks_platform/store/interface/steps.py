"""What happened once inside a job, across its attempts."""

from __future__ import annotations

from typing import Any, Literal, Protocol


class Steps(Protocol):
    """What happened once inside a job, across its attempts."""

    def begin_step(self, job_id: str, step: str, run: str, lease: float) -> tuple[Literal["do", "done", "busy"], Any]:
        """Claim *step* for *run*, or learn its result, or that another run is at it (for at most its lease)."""

    def finish_step(self, job_id: str, step: str, result: Any, ttl: float) -> None:
        """Remember what *step* returned for *ttl* seconds, and as long as the job is tried again or a dead letter."""

    def abandon_steps(self, job_id: str, run: str) -> None:
        """Free the steps that were begun and not finished by a run whose name begins with *run*: it is over."""
