"""Threads run what is put in front of them, each job once, and no more of them are woken than are needed."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter

import pytest

from tasks_platform.task.threads import Threads
from waiting import wait_for


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


def test_quick_jobs_are_left_to_the_thread_that_is_awake_until_it_is_said_that_they_wait() -> None:
    threads, seen, left, gate = Threads(2, "test"), list[str](), list[str](), threading.Event()
    threads.left = lambda: left.append("left")
    threads.put(lambda: seen.append("quick"))
    wait_for(lambda: seen, 10, "the quick job")
    wait_for(lambda: threads.is_idle, 10, "the thread to wait")

    def slow() -> None:
        seen.append("slow")
        gate.wait(10)

    threads.put(slow)  # one that is asleep is woken
    wait_for(lambda: "slow" in seen, 10, "the slow job")
    assert not left
    threads.put(lambda: seen.append("behind"))
    assert left == ["left"]
    assert len(threads) == 1
    threads.spread()
    wait_for(lambda: "behind" in seen, 10, "another thread")
    gate.set()
    threads.end()


@pytest.mark.parametrize("most", [1, 3, 8])
def test_no_job_is_forgotten_or_run_twice_however_they_come(most: int) -> None:
    threads, seen, dice = Threads(most, "test"), list[int](), random.Random(most)
    awaits_spreading = threading.Event()
    threads.left = awaits_spreading.set

    def job(number: int) -> None:
        if number % 50 == 0:
            time.sleep(0.002)
        seen.append(number)

    for number in range(3000):
        threads.put(lambda number=number: job(number))  # type: ignore[misc]
        if dice.random() < 0.02:
            wait_for(lambda: seen, 10, "a job")
            if dice.random() < 0.5:  # all fall asleep
                threads.spread()
                wait_for(lambda: len(seen) == number + 1, 30, "all so far")  # noqa: B023
    threads.spread()
    wait_for(lambda: len(seen) == 3000, 30, "all jobs")
    threads.end()
    assert Counter(seen) == Counter(range(3000))
