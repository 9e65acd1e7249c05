"""Coroutines in a queue of their own, apart from what pools of greenlets serve."""

from __future__ import annotations

import asyncio
from pathlib import Path

from acceptance.diary import note, read
from tasks_platform import ReliableTask, task

MODULES = f"acceptance.shop,acceptance.accidents,{__name__}"


@task(base=ReliableTask, queue="on-loop")
async def sleeps_the_first_time(diary: Path) -> None:
    note(diary, "started")
    if len(read(diary)) == 1:
        await asyncio.sleep(60)


@task(base=ReliableTask, ignore_result=False, queue="on-loop")
async def waits(diary: Path) -> None:
    note(diary, "started")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        note(diary, "cancelled")
        raise
