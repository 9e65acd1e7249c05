"""What nobody needs any more goes, in small steps: tokens that have expired, accounts that were never verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import Field

from tasks_platform.bases import UniqueTask
from tasks_platform.job_queue import JobQueue
from tasks_platform.policies import Deadline, Progress
from tasks_platform.policy import current_run_or_none
from tasks_platform.queues import Priority
from tasks_platform.schedules import cron, schedule
from tasks_platform.services.accounts import Stale, count_stale, delete_stale
from tasks_platform.services.accounts import expired_tokens as expired
from tasks_platform.services.accounts import pending_users as pending
from tasks_platform.services.office import office
from tasks_platform.task import task
from tasks_platform.task.handle import JobHandle

#: How long an account may wait for its address to be verified; as long as the link that does it is good.
PENDING: Final = timedelta(days=7)
#: Rows a transaction deletes: it holds its locks for milliseconds, and a kill loses no more than one of them.
CHUNK: Final = 500
Chunk = Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True, kw_only=True)
class CleanupResult:
    """What a clean-up did."""

    #: Rows that were to go when it began.
    found: int
    #: Rows that went; none in a dry run.
    deleted: int
    #: The transactions that took.
    chunks: int
    dry_run: bool


@task(Progress(), Deadline(hard=3600), base=UniqueTask, queue="cleanup", priority=Priority.LOW)
def expired_tokens(*, dry_run: bool = False, chunk: Chunk = CHUNK) -> CleanupResult:
    """Delete the tokens that have expired; a dry run only counts them."""
    return _clean(expired(datetime.now(UTC)), dry_run=dry_run, chunk=chunk)


@task(Progress(), Deadline(hard=3600), base=UniqueTask, queue="cleanup", priority=Priority.LOW)
def pending_users(*, dry_run: bool = False, chunk: Chunk = CHUNK, older_than: timedelta = PENDING) -> CleanupResult:
    """Delete accounts that nobody verified in time, and their tokens; a dry run only counts them."""
    return _clean(pending(datetime.now(UTC) - older_than), dry_run=dry_run, chunk=chunk)


schedule("expired-tokens", cron("0 2 * * *")).runs(expired_tokens)
schedule("pending-users", cron("0 * * * *")).runs(pending_users)


class CleanupQueue:
    """Asks for clean-ups; the same one, asked for again while it is unfinished, is the job that is under way."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    def expired_tokens(self, *, dry_run: bool = False) -> JobHandle[CleanupResult]:
        """Delete the tokens that have expired."""
        return self._jobs.send(expired_tokens, dry_run=dry_run)

    def pending_users(self, *, dry_run: bool = False) -> JobHandle[CleanupResult]:
        """Delete accounts that nobody verified in time."""
        return self._jobs.send(pending_users, dry_run=dry_run)


def _clean(stale: Stale, *, dry_run: bool, chunk: int) -> CleanupResult:
    """Delete chunk after chunk until nothing is left; whoever is cut off goes on with what is left."""
    books, run = office().books, current_run_or_none()
    with books.reading() as session:
        found = count_stale(session, stale)
    deleted = chunks = 0
    while not dry_run:
        with books.session() as session:
            gone = delete_stale(session, stale, at_most=chunk)
        if not gone:
            break
        deleted, chunks = deleted + gone, chunks + 1
        if run is not None:
            run.progress(100 * deleted / max(found, deleted), f"{deleted:,} of {max(found, deleted):,}")
    return CleanupResult(found=found, deleted=deleted, chunks=chunks, dry_run=dry_run)
