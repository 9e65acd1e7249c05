"""Results are stored before their messages are acknowledged, and no message is whose result no server has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from tasks_platform.task import owed as module
from tasks_platform.task.owed import Owed
from tasks_platform.task.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence


class Server:
    """Takes states, unless it refuses some, or is away."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.steps = 0
        self.refused: set[str] = set()
        self.is_away = False
        self.odd: set[str] = set()

    def write(self, states: Sequence[State]) -> None:
        self.steps += 1
        if self.is_away:
            raise redis.ConnectionError("nobody answers")
        if self.refused.intersection(str(state.key) for state in states):
            raise redis.ResponseError("WRONGTYPE")
        if self.odd.intersection(str(state.key) for state in states):
            raise TypeError("it is no text")
        self.taken += [str(state.key) for state in states]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def owed(server: Server) -> Owed:
    return Owed(server.write)


def lost(_: Exception) -> None:
    raise AssertionError("it is not to be given up")


def owe(owed: Owed, *job_ids: str) -> None:
    for job_id in job_ids:
        owed.add(job_id, State(job_id, "{}", None), lost)


def test_all_are_stored_in_one_step_and_in_order(server: Server, owed: Owed) -> None:
    assert (list(owed.pay()), server.steps) == ([], 0)
    owe(owed, "1", "2", "3")
    assert owed
    assert (list(owed.pay()), server.taken, server.steps) == ([], ["1", "2", "3"], 1)
    assert not owed
    owed.give_up_late(0)


def test_while_the_server_is_away_all_are_owed_and_nobody_adds_any(server: Server, owed: Owed) -> None:
    owe(owed, "1", "2")
    server.is_away = True
    assert owed.has_room
    assert set(owed.pay()) == {"1", "2"}
    assert not owed.has_room
    server.is_away = False
    assert (list(owed.pay()), server.taken, owed.has_room) == ([], ["1", "2"], True)


@pytest.mark.parametrize("how", ["refused", "odd"])
def test_one_that_cannot_be_stored_does_not_hold_up_the_others(server: Server, owed: Owed, how: str) -> None:
    owe(owed, "1", "2", "3")
    getattr(server, how).add("2")
    assert (set(owed.pay()), server.taken) == ({"2"}, ["1", "3"])
    getattr(server, how).clear()
    assert (list(owed.pay()), server.taken) == ([], ["1", "3", "2"])


def test_one_that_nobody_takes_is_given_up_in_the_end_and_not_before_that_is_done(server: Server, owed: Owed) -> None:
    server.refused = {"1"}
    told: list[str] = []

    def give_up(error: Exception) -> None:
        told.append(str(error))
        if len(told) == 1:
            raise redis.ConnectionError("its letter cannot be written")

    owed.add("1", State("1", "{}", None), give_up)
    assert set(owed.pay()) == {"1"}
    owed.give_up_late(60)
    assert told == []
    owed.give_up_late(0)
    assert (told, set(owed.pay())) == (["no server has taken it for 0 s"], {"1"})
    owed.give_up_late(0)
    assert (len(told), list(owed.pay())) == (2, [])


def test_there_is_room_for_so_many(owed: Owed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    owe(owed, "1")
    assert owed.has_room
    owe(owed, "2")
    assert not owed.has_room


def test_what_is_owed_anew_while_it_is_paid_is_paid_the_next_time(server: Server, owed: Owed) -> None:
    class Slow(Server):
        def write(self, states: Sequence[State]) -> None:
            super().write(states)
            if self.steps == 1:
                owe(owed, "1")  # another attempt, which returned something else

    slow = Slow()
    owed._write = slow.write
    owe(owed, "1")
    assert set(owed.pay()) == {"1"}
    assert (list(owed.pay()), slow.taken) == ([], ["1", "1"])
