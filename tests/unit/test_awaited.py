from __future__ import annotations

import asyncio
import threading
import time
import traceback
from contextvars import copy_context

import pytest
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from tasks_platform.errors import Cancel, CoroutineCancelledError, TaskDefinitionError
from tasks_platform.policy import apart, aside, enter_thread
from tasks_platform.task.on_loop import Awaited, Limits, awaited, cancel_on_loop, expect
from tasks_platform.task.on_loop.event_loop import loop_of_process
from waiting import wait_for


def outcome(coroutine, run=None):
    """Wait for *coroutine* as the thread of a run does."""
    run = run or Awaited("job")
    context = copy_context()
    context.run(enter_thread, run.do)
    return run.outcome_of(coroutine, context)


async def for_ever(told: list[str] | None = None) -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        if told is not None:
            told.append("cancelled")
        raise


def test_a_coroutine_returns_to_the_thread_that_waits():
    async def answer():
        await asyncio.sleep(0.001)
        return threading.current_thread().name

    assert outcome(answer()) == "tasks-event-loop"


def test_an_error_has_the_lines_of_the_coroutine():
    async def fail():
        await asyncio.sleep(0)
        raise LookupError("no such order")

    with pytest.raises(LookupError) as failed:
        outcome(fail())
    assert traceback.extract_tb(failed.value.__traceback__)[-1].name == "fail"


def test_a_soft_limit_can_be_caught_and_tidied_up_after():
    async def tidy():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(for_ever(told))
        except SoftTimeLimitExceeded as limit:
            async with asyncio.timeout(5):
                await asyncio.sleep(0.001)
            return limit.args

    told: list[str] = []
    assert outcome(tidy(), Awaited("job", Limits(soft=0.05))) == (0.05,)
    assert told == ["cancelled"]


def test_a_soft_limit_that_is_not_caught_is_what_it_is_in_other_pools():
    with pytest.raises(SoftTimeLimitExceeded) as limit:
        outcome(for_ever(), Awaited("job", Limits(soft=0.05, hard=5)))
    assert type(limit.value) is SoftTimeLimitExceeded
    assert traceback.extract_tb(limit.value.__traceback__)[-1].name == "sleep"


def test_a_time_limit_of_its_own_stays_its_own():
    async def hurry():
        async with asyncio.timeout(0.01):
            await for_ever()

    with pytest.raises(TimeoutError):
        outcome(hurry(), Awaited("job", Limits(soft=5)))


def test_a_hard_limit_cancels_and_leaves_one_that_refuses_to_itself(monkeypatch, caplog):
    monkeypatch.setattr(awaited, "_LAST_WORDS", 0.05)
    ended = threading.Event()
    told: list[str] = []

    async def refuse():
        while not ended.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                told.append("refused")
        told.append("ended")

    with pytest.raises(TimeLimitExceeded):
        outcome(refuse(), Awaited("job", Limits(hard=0.05)))
    assert told == ["refused"]
    assert "job does not end although it was told to" in caplog.text
    ended.set()
    wait_for(lambda: told == ["refused", "ended"], 10, "its own end")


def test_a_run_is_cancelled_by_the_id_of_its_job():
    told: list[str] = []
    run = Awaited("job")
    expect("1", run)
    threading.Timer(0.05, cancel_on_loop, ("1", "no longer wanted")).start()
    with pytest.raises(Cancel, match="no longer wanted"):
        outcome(for_ever(told), run)
    assert told == ["cancelled"]
    assert not cancel_on_loop("2", "unknown")


def test_a_run_that_was_cancelled_before_it_began_never_does():
    run, told = Awaited("job"), []

    async def begin():
        told.append("begun")

    run.cancel("too late", 10)
    with pytest.raises(Cancel):
        outcome(begin(), run)
    assert told == []


def test_a_cancelled_run_that_succeeds_all_the_same_has_succeeded():
    async def insist():
        try:
            await for_ever()
        except asyncio.CancelledError:
            return "done"

    run = Awaited("job")
    threading.Timer(0.05, run.cancel, ("no longer wanted", 10)).start()
    assert outcome(insist(), run) == "done"


def test_one_that_ends_as_cancelled_by_itself_has_failed():
    async def cancel():
        raise asyncio.CancelledError

    with pytest.raises(CoroutineCancelledError):
        outcome(cancel())


def test_what_would_block_is_done_in_the_thread_that_waits_in_order_and_before_the_end():
    done: list[tuple[int, str]] = []

    def do(number: int) -> int:
        time.sleep(0.01)
        done.append((number, threading.current_thread().name))
        return number

    async def work():
        aside(lambda: do(1))
        answer = await apart(lambda: do(2))
        with pytest.raises(ZeroDivisionError):
            await apart(lambda: 1 / 0)
        aside(lambda: do(3))
        return answer

    assert outcome(work()) == 2
    assert done == [(number, threading.current_thread().name) for number in (1, 2, 3)]


def test_without_such_a_thread_it_is_done_at_once_or_in_one_of_the_loop():
    async def work():
        return await apart(threading.current_thread)

    done: list[int] = []
    aside(lambda: done.append(1))
    assert done == [1]
    assert asyncio.run(work()) is not threading.current_thread()


def test_a_coroutine_that_would_wait_for_its_own_loop_is_refused():
    async def inner():
        await asyncio.sleep(0)

    async def outer():
        outcome(inner())

    with pytest.raises(TaskDefinitionError, match="await it"):
        outcome(outer())


def test_what_a_job_has_left_behind_cannot_end_the_loop(caplog):
    async def leave():
        raise SystemExit(3)

    async def begin():
        kept.append(asyncio.create_task(leave()))

    kept: list[asyncio.Task[None]] = []
    outcome(begin())
    wait_for(lambda: kept[0].done() and "the event loop goes on" in caplog.text, 10, "its end")
    assert kept[0].exception() is not None
    assert outcome(asyncio.sleep(0.001, "well")) == "well"


def test_the_loop_is_that_of_the_process():
    assert loop_of_process() is loop_of_process()
    assert not loop_of_process().is_here
