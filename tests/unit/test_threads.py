"""Threads run what is put in front of them, each job once, and no more of them are woken than are needed."""

from __future__ import annotations

import logging
import random
import threading
import time
import weakref
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import pytest

from tasks_platform.task.threads import Threads
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable


def test_as_many_threads_run_as_there_is_work_for_and_not_more_than_allowed() -> None:
    threads, gate, at_it = Threads(2, "test"), threading.Event(), list[str]()

    def job() -> None:
        at_it.append(threading.current_thread().name)
        gate.wait(10)

    for _ in range(3):
        threads.put(job)
    wait_for(lambda: len(at_it) == 2, 10, "two jobs to begin")
    assert len(threads) == 2
    gate.set()
    threads.end()
    assert Counter(at_it).keys() == {"test-0", "test-1"}
    assert len(at_it) == 3


def test_the_oldest_job_comes_first() -> None:
    threads, seen = Threads(1, "test"), list[int]()
    for number in range(50):
        threads.put(lambda number=number: seen.append(number))  # type: ignore[misc]
    threads.end()
    assert seen == list(range(50))


def test_a_job_that_lets_an_error_out_costs_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    threads, seen = Threads(1, "test"), list[str]()
    threads.put(lambda: seen.remove("what is not there"))
    threads.put(lambda: seen.append("next"))
    with caplog.at_level(logging.ERROR):
        threads.end()
    assert seen == ["next"]
    assert "ValueError" in caplog.text


def warm(threads: Threads) -> None:
    """Let the last job have been a quick one."""
    seen = list[str]()
    threads.put(lambda: seen.append("quick"))
    wait_for(lambda: seen and threads.is_idle, 10, "the quick job")


def test_what_was_left_to_a_thread_that_is_at_something_long_is_taken_by_others() -> None:
    threads, seen, gate = Threads(4, "test"), list[int](), threading.Event()
    for number in range(20):
        warm(threads)
        gate.clear()
        threads.put(lambda: gate.wait(10))
        for place in range(3):  # while that begins, or has begun
            threads.put(lambda number=number, place=place: seen.append(3 * number + place))  # type: ignore[misc]
        wait_for(lambda: len(seen) == 3 * number + 3, 5, "the quick ones")  # noqa: B023
        gate.set()
    threads.end()
    assert sorted(seen) == list(range(60))


def test_long_jobs_among_quick_ones_run_at_the_same_time() -> None:
    threads, gate, at_it = Threads(4, "test"), threading.Barrier(4), list[int]()
    warm(threads)

    def job(number: int) -> None:
        gate.wait(10)
        at_it.append(number)

    for number in range(4):
        threads.put(lambda number=number: job(number))  # type: ignore[misc]
    wait_for(lambda: len(at_it) == 4, 10, "all four, which wait for each other")
    threads.end()


def test_who_begins_with_a_job_has_somebody_look_after_the_others() -> None:
    threads, gate, at_it = Threads(4, "test"), threading.Barrier(4), list[int]()

    def job() -> None:
        gate.wait(10)
        at_it.append(1)

    threads._jobs.extend([job] * 3)  # left, and whoever was to take them is at something long
    threads.put(job)
    wait_for(lambda: len(at_it) == 4, 10, "all four, which wait for each other")
    threads.end()


def test_a_job_that_is_left_to_a_thread_that_has_just_begun_with_a_long_one_is_looked_after() -> None:
    threads, gate, seen = Threads(2, "test"), threading.Event(), list[str]()
    threads.put(lambda: (seen.append("long"), gate.wait(10)))
    wait_for(lambda: seen, 10, "the long one")
    threads._is_quick, threads._progress = True, time.monotonic()
    threads.put(lambda: seen.append("quick"))
    wait_for(lambda: seen == ["long", "quick"], 5, "the quick one")
    gate.set()
    threads.end()


def test_quick_jobs_in_a_row_are_left_to_few() -> None:
    threads, names = Threads(50, "test"), list[str]()
    for _ in range(100):
        warm(threads)
    for _ in range(1000):
        threads.put(lambda: names.append(threading.current_thread().name))
    wait_for(lambda: len(names) == 1000, 30, "all")
    threads.end()
    assert len(threads) < 25  # a slow machine may make some of them slow


class Late(deque[Any]):
    """Somebody does something in the very moment in which a thread goes to sleep, once."""

    def __init__(self, action: Callable[[], object]) -> None:
        super().__init__()
        self.actions = [action]

    def append(self, place: Any) -> None:
        if self.actions:
            self.actions.pop()()
        super().append(place)


def test_a_job_that_comes_while_the_last_thread_falls_asleep_is_run() -> None:
    threads, seen = Threads(1, "test"), list[str]()
    threads._idle = Late(lambda: threads.put(lambda: seen.append("late")))
    threads.put(lambda: seen.append("first"))
    wait_for(lambda: seen == ["first", "late"], 10, "both")
    threads.end()


def test_an_end_that_comes_while_the_last_thread_falls_asleep_is_heard() -> None:
    threads, here = Threads(1, "test"), list[threading.Thread]()
    threads._idle = Late(lambda: threads.end(wait=False))
    threads.put(lambda: here.append(threading.current_thread()))
    wait_for(lambda: here and not here[0].is_alive(), 10, "the end of the thread")
    with pytest.raises(RuntimeError, match="have ended"):
        threads.put(lambda: None)


def test_a_thread_that_waits_keeps_nothing_of_what_it_has_run() -> None:
    threads = Threads(1, "test")

    def job() -> None:
        """Is forgotten."""

    kept = weakref.ref(job)
    threads.put(job)
    del job
    wait_for(lambda: kept() is None, 10, "it to be forgotten")
    threads.end()


def test_where_no_more_threads_can_be_started_those_that_there_are_run_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, starts = list[int](), threading.Thread.start
    gate = threading.Event()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads(2, "test")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        threads.put(lambda: seen.append(0))
    monkeypatch.setattr(threading.Thread, "start", starts)
    threads.put(lambda: gate.wait(10))
    monkeypatch.setattr(threading.Thread, "start", refuse)
    threads.put(lambda: seen.append(1))
    monkeypatch.undo()
    assert len(threads) == 1
    gate.set()
    threads.end()
    assert seen == [1]


@pytest.mark.parametrize("most", [1, 3, 8])
def test_no_job_is_forgotten_or_run_twice_however_they_come(most: int) -> None:
    threads, seen, dice = Threads(most, "test"), list[int](), random.Random(most)

    def job(number: int) -> None:
        if number % 50 == 0:
            time.sleep(0.005)
        seen.append(number)

    for number in range(3000):
        threads.put(lambda number=number: job(number))  # type: ignore[misc]
        if dice.random() < 0.02:
            wait_for(lambda: len(seen) == number + 1, 30, "all so far")  # noqa: B023
        if dice.random() < 0.005:
            wait_for(lambda: threads.is_idle, 30, "all to fall asleep")
    wait_for(lambda: len(seen) == 3000, 30, "all jobs")
    threads.end()
    assert Counter(seen) == Counter(range(3000))
