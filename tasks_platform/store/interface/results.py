"""Which finished jobs are kept."""

from __future__ import annotations

from typing import Protocol


class Results(Protocol):
    """Which finished jobs are kept."""

    def keep_result(  # noqa: PLR0913 - which job, how it ended, and what is kept
        self, task: str, job_id: str, age: float, count: int | None, *, succeeded: bool = True, prefix: str = ""
    ) -> None:
        """Keep the result of a job that has ended for *age* seconds, and of its kind only the newest *count*.

        The jobs of one *task* that succeeded are one kind, those that did not another; a job is of the kind that it was
        last. Of the older ones the result goes, whose key is *prefix* and the job's id, and how far they were.
        """
