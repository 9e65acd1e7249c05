"""Threads are told to end a job, and hear of it while they are at its function only."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tasks_platform.errors import Cancel
from tasks_platform.task.cancel_mark import CancelMark
from tasks_platform.task.unwanted import Unwanted
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_thread_is_struck_while_it_is_at_the_function_and_not_after_it() -> None:
    unwanted, said = Unwanted(), list[str]()

    def run() -> None:
        unwanted.enter("job")
        said.append("begun")
        try:
            _wait(lambda: False)
        except Cancel:
            said.append("cancelled")
        finally:
            unwanted.leave("job")
        said.append(str(unwanted.strike("job")))
        _wait(lambda: len(said) > 3)
        said.append("ended")

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: said, 10, "the beginning")
    assert unwanted.strike("job")
    wait_for(lambda: len(said) == 3, 10, "the end")
    said.append("go on")
    thread.join(10)
    assert said == ["begun", "cancelled", "False", "go on", "ended"]


def test_what_is_struck_when_it_ends_is_raised_in_nothing_that_comes_after() -> None:
    unwanted = Unwanted()
    for _ in range(300):
        unwanted.enter("job")
        striker = threading.Thread(target=unwanted.strike, args=("job",))
        try:
            striker.start()
        except Cancel:
            pass
        finally:
            with suppress(Cancel):
                unwanted.leave("job")
        striker.join()


@pytest.mark.parametrize("stored", ["", "because", "[]", "{}", '{"by": 1, "why": 2, "at": "x", "grace": 1}'])
def test_what_others_have_marked_is_cancelled_as_well(stored: str) -> None:
    assert CancelMark.read(stored).reason == f"cancelled by somebody{stored and ': '}{stored}"


def test_a_mark_is_read_as_it_was_written() -> None:
    mark = CancelMark(by="ana", why="a double", at=1.5, grace=0.5)
    assert CancelMark.read(mark.write()) == mark
    assert mark.reason == "cancelled by ana: a double"


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
