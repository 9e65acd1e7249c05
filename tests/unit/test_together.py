"""Things of many threads are done in one step, in their order, and each thread hears of what became of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks_platform.task.together import Together, Waiting
from waiting import wait_for


def test_one_alone_is_done_at_once() -> None:
    done: list[list[int]] = []
    together = Together(done.append, most=10)
    together.finish(together.add(1))
    together.finish(together.add(2))
    assert done == [[1], [2]]


def test_what_comes_while_somebody_is_at_it_is_done_in_one_step_and_in_order() -> None:
    done: list[list[int]] = []
    goes_on = threading.Event()

    def do(batch: list[int]) -> None:
        done.append(batch)
        goes_on.wait(20)

    together = Together(do, most=3)
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(together.finish, together.add(0))
        wait_for(lambda: done, 20, "the first step")
        others = [threads.submit(together.finish, together.add(number)) for number in range(1, 6)]
        assert not any(one.done() for one in (first, *others))
        goes_on.set()
        assert [one.result(20) for one in (first, *others)] == [None] * 6
    assert done == [[0], [1, 2, 3], [4, 5]]


def test_what_a_batch_fails_with_is_raised_by_all_whose_it_is() -> None:
    def do(batch: list[int]) -> None:
        if 1 in batch:
            raise ConnectionError("the server is away")

    together = Together(do, most=2)
    waiting = [together.add(number) for number in range(4)]
    for one in waiting[:2]:
        with pytest.raises(ConnectionError, match="the server is away"):
            together.finish(one)
    for one in waiting[2:]:
        together.finish(one)


def test_what_a_thread_leaves_that_is_to_end_is_done_by_the_next() -> None:
    done: list[list[int]] = []

    def do(batch: list[int]) -> None:
        if not done:
            done.append([])
            raise KeyboardInterrupt
        done.append(batch)

    together = Together(do, most=10)
    first, second = together.add(1), together.add(2)
    with pytest.raises(KeyboardInterrupt):
        together.finish(first)
    together.finish(second)
    assert done == [[], [1, 2]]
    assert Waiting(1) != Waiting(1)
