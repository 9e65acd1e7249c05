"""Which finished jobs are kept."""

from __future__ import annotations

from typing import Protocol


class Results(Protocol):
    """Which finished jobs are kept."""

    def keep_result(self, kind: str, job_id: str, age: float, count: int | None) -> None:
        """Keep the result of a job that has ended for *age* seconds, and of its *kind* only the newest *count*.

        Of the older ones the result goes, and how far they were.
        """
