"""What happened to the attempts of jobs that failed at least once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tasks_platform.store.records import Record


class Runs(Protocol):
    """What happened to the attempts of jobs that failed at least once."""

    def begin(self, job_id: str, attempt: int, copy: str) -> bool:
        """Claim *attempt* for the message *copy*; False if another copy of the message claimed it before."""

    def withdraw(self, job_id: str, attempt: int, copy: str) -> None:
        """Give the claim of *copy* back, so that another copy may run this attempt."""

    def decide(
        self, job_id: str, attempt: int, record: Mapping[str, Any], verdict: Mapping[str, Any], letter: Record | None
    ) -> Record:
        """Record how *attempt* failed and what becomes of the job; the first verdict stands and is returned.

        With *letter* the job becomes a dead letter in the same step, and the audit says so.
        """

    def bury(self, job_id: str, attempt: int, record: Mapping[str, Any], letter: Record) -> bool:
        """Make *letter* of a message that no task can be given; False if the job was a dead letter already.

        Afterwards there is one. A verdict that would have let the job run again is replaced; how that attempt failed is
        kept. A letter that is being sent again is written anew, unless the message is of an attempt before.
        """

    def attempts(self, job_id: str) -> list[Record]:
        """Return the failed attempts of *job_id*, the first first."""

    def forget(self, job_id: str, *, why: str = "recovered", by: str = "") -> None:
        """Drop what was kept of *job_id*, its dead letter included: it succeeded or was given up.

        If there was a letter, the audit says *why* it went.
        Which copies of its messages were run is kept for a while, so that a late one is not run again.
        """
