"""The pool of threads: what no thread has begun with can be taken back, and is not run then."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tasks_platform.task.thread_pool import ThreadPool
from waiting import wait_for

THREADS = 2
LATER = 5


class Request:
    """What Celery knows of a job."""

    def __init__(self, number: int, log: list[str]) -> None:
        self.id = f"job-{number}"
        self.number = number
        self.log = log
        self.task = SimpleNamespace(acks_late=True)

    def on_accepted(self, pid: int, moment: float) -> None:
        self.log.append(f"accepted {self.number}")

    def on_success(self, value: Any) -> None:
        self.log.append(f"ended {value}")


class Busy:
    """A pool of which every thread is at something, with more jobs in front of it."""

    def __init__(self) -> None:
        self.pool = ThreadPool(THREADS, app=SimpleNamespace(tasks={}))
        self.pool.start()
        self.log: list[str] = []
        self.gate = threading.Event()
        self.requests = [Request(number, self.log) for number in range(THREADS + LATER)]

    def fill(self) -> None:
        for request in self.requests:
            self.pool.apply_async(
                self.run,
                (request.number,),
                accept_callback=request.on_accepted,
                callback=request.on_success,
                correlation_id=request.id,
            )
        wait_for(lambda: len(self.log) == THREADS, 10, "the first ones")

    def run(self, number: int) -> int:
        self.gate.wait(10)
        return number

    def end(self) -> list[str]:
        """Let them go on, and return what has become of all."""
        self.gate.set()
        self.pool.stop()
        return sorted(self.log)


@pytest.fixture
def busy() -> Iterator[Busy]:
    """Return a pool that will be busy when it is filled."""
    busy = Busy()
    yield busy
    busy.end()


def became(numbers: Any) -> list[str]:
    return sorted(f"{what} {number}" for what in ("accepted", "ended") for number in numbers)


def test_the_last_jobs_come_back_in_their_order_and_are_not_run(busy: Busy) -> None:
    busy.fill()
    assert busy.pool.is_stuck(0.0)
    back = busy.pool.take_back(3)
    assert [request.number for request in back] == [4, 5, 6]
    busy.gate.set()
    wait_for(lambda: len(busy.log) == 2 * (THREADS + LATER - 3), 10, "the others")
    assert busy.end() == became(range(THREADS + LATER - 3))


def test_what_runs_does_not_come_back(busy: Busy) -> None:
    busy.fill()
    assert [request.number for request in busy.pool.take_back(100)] == [2, 3, 4, 5, 6]
    assert busy.pool.take_back(100) == []
    assert not busy.pool.is_stuck(0.0)
    assert busy.end() == became(range(THREADS))


def test_nothing_is_stuck_that_has_waited_for_a_moment_only(busy: Busy) -> None:
    busy.fill()
    assert not busy.pool.is_stuck(60.0)


def test_what_nobody_may_begin_with_is_not_run_and_keeps_no_thread(busy: Busy) -> None:
    busy.pool.begins = lambda request: request.number % 2 == 0
    busy.gate.set()
    for request in busy.requests:
        busy.pool.apply_async(
            busy.run, (request.number,), accept_callback=request.on_accepted, callback=request.on_success
        )
    wait_for(lambda: sorted(busy.log) == became([0, 2, 4, 6]), 10, "those that may be run")
    assert not busy.pool.is_stuck(0.0)


def test_what_waits_is_given_back_before_it_waits_for_what_runs(busy: Busy) -> None:
    busy.fill()
    back: list[Any] = []
    busy.pool.leaves = lambda: back.extend(busy.pool.take_back(busy.pool.waiting))
    stopping = threading.Thread(target=busy.pool.stop)
    stopping.start()
    wait_for(lambda: len(back) == LATER, 10, "what nobody has begun with")
    assert busy.pool.waiting == 0
    assert stopping.is_alive()
    assert busy.end() == became(range(THREADS))
    stopping.join()


def test_it_is_told_when_a_job_has_ended_that_was_acknowledged_before(busy: Busy) -> None:
    ended: list[list[str]] = []
    busy.pool.ended = lambda: ended.append(list(busy.log))
    busy.requests[0].task.acks_late = False
    busy.gate.set()
    for request in busy.requests[:2]:
        busy.pool.apply_async(
            busy.run, (request.number,), accept_callback=request.on_accepted, callback=request.on_success
        )
    busy.pool.stop()
    (log,) = ended
    assert "ended 0" in log


def test_a_stop_begins_with_nothing_more(busy: Busy) -> None:
    busy.fill()
    assert busy.end() == became(range(THREADS))
    assert busy.pool.waiting == 0


def test_a_cold_stop_waits_for_nothing(busy: Busy) -> None:
    busy.fill()
    busy.pool.terminate()
    assert (busy.pool.waiting, len(busy.log)) == (0, THREADS)


def test_a_job_in_a_thread_cannot_be_ended_by_way_of_its_result(busy: Busy) -> None:
    busy.fill()
    request = busy.requests[0]
    result = busy.pool.apply_async(
        busy.run, (request.number,), accept_callback=request.on_accepted, callback=request.on_success
    )
    kept = weakref.ref(result)  # as Celery keeps it, which ends a job by it if it is there
    del result
    assert kept() is None


def test_it_is_told_of_the_end_of_a_job_that_lets_an_error_out(busy: Busy) -> None:
    ended: list[str] = []
    busy.pool.ended = lambda: ended.append("ended")
    request = busy.requests[0]
    request.task.acks_late = False
    busy.pool.apply_async(ended.remove, ("what is not there",), accept_callback=request.on_accepted)
    wait_for(lambda: ended == ["ended"], 10, "the end")
