"""Tasks that are coroutines."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded

from acceptance.diary import note, read
from tasks_platform import (
    Deadline,
    Hold,
    Once,
    PlatformTask,
    ProgressTask,
    ReliableTask,
    Retry,
    current_run,
    task,
    track,
)

ONCE = Retry(max_attempts=1)
TWICE = Retry(max_attempts=2, base=0.05, jitter=False)
#: How many are at `meets` in this process.
_present = 0


@task(base=ReliableTask)
def knows_its_thread() -> str:
    """Be no coroutine."""
    return threading.current_thread().name


@task(base=ReliableTask)
async def knows_its_job(diary: Path) -> list[str]:
    """Return the names of the job and of the thread, after others have had their turn."""
    note(diary, "started")
    await asyncio.sleep(0.01)
    return [current_run().job_id, threading.current_thread().name]


@task(ONCE, base=ReliableTask)
async def meets(count: int) -> None:
    """End when so many are here."""
    global _present  # noqa: PLW0603 - of this process
    _present += 1
    async with asyncio.timeout(20):
        while _present < count:  # noqa: ASYNC110 - what an event would tell is what is tested
            await asyncio.sleep(0.01)


@task(TWICE, base=ReliableTask)
async def fails_once(diary: Path) -> int:
    """Fail at the first attempt."""
    await asyncio.sleep(0)
    note(diary, current_run().attempt)
    if current_run().attempt == 1:
        raise ConnectionError("the other side is down")
    return current_run().attempt


@task(ONCE, base=ReliableTask)
async def fails(diary: Path) -> None:
    """Fail for good."""
    note(diary, "failed")
    await asyncio.sleep(0)
    raise LookupError("there is no such order")  # the line of the letter


@task(base=ReliableTask)
async def is_held_once(diary: Path) -> int:
    """Ask to be held at first."""
    note(diary, current_run().attempt)
    if len(read(diary)) == 1:
        raise Hold(0.1, "not yet")
    return current_run().attempt


@task(Once(), TWICE, base=ProgressTask)
async def charges_once(diary: Path) -> list[int]:
    """Charge once, fail once, and tell how far it is."""

    async def charge() -> int:
        await asyncio.sleep(0.01)
        note(diary, "charged")
        return 100

    charged = await current_run().aonce("charge", charge)
    for _ in track(range(4), message="rows"):
        await asyncio.sleep(0)
    if current_run().attempt == 1:
        raise ConnectionError("the other side is down")
    return [charged, current_run().attempt]


@task(ONCE, base=ReliableTask, bind=True)
async def begets(self: PlatformTask[..., Any], diary: Path) -> str:
    """Send a job that tells whose child it is."""
    await tells_its_parent.adelay(diary)
    return str(self.request.id)


@task(base=ReliableTask, bind=True)
async def tells_its_parent(self: PlatformTask[..., Any], diary: Path) -> None:
    """Write down whose child it is."""
    note(diary, self.request.parent_id)


@task(ONCE, base=ReliableTask, ignore_result=False)
async def waits(diary: Path) -> None:
    """Wait for ever, in a group of two."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(3600))
            note(diary, "started")
    finally:
        await asyncio.sleep(0.01)
        note(diary, "cleaned")


@task(Deadline(soft=0.3), TWICE, base=ReliableTask)
async def tidies_up(diary: Path) -> str:
    """Take too long at the first attempt, and notice; at the second, do not."""
    note(diary, "started")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(3600))
    except SoftTimeLimitExceeded:
        await asyncio.sleep(0.01)
        note(diary, "tidied")
        if len(read(diary)) == 2:
            raise
    return "tidied"


@task(Deadline(hard=0.3), TWICE, base=ReliableTask)
async def takes_too_long(diary: Path) -> None:
    """Take too long at the first attempt."""
    note(diary, "started")
    if len(read(diary)) == 1:
        await asyncio.sleep(3600)


@task(ONCE, base=ReliableTask)
async def cancels_itself() -> None:
    """End as cancelled."""
    raise asyncio.CancelledError


@task(ONCE, base=ReliableTask)
async def exits() -> None:
    """Want to end the process."""
    raise SystemExit(3)


@task(base=ReliableTask)
async def blocks(seconds: float) -> None:
    """Do what a coroutine must not do."""
    time.sleep(seconds)  # noqa: ASYNC251 - on purpose
