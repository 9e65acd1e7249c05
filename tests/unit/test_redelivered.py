"""A message that comes back after its connection was lost: its job is not run a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any

from tasks_platform.task import redelivered
from tasks_platform.task.redelivered import Redelivered

ACK = methodcaller("ack")


@dataclass
class Message:
    job_id: object = "a"
    retries: int = 0
    redelivered: bool = True
    copy: str | None = None
    acknowledged: bool = False
    headers: Any = None
    done: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.headers = {"id": self.job_id, "retries": self.retries, "task": "shop.add"}
        if self.copy is not None:
            self.headers["platform"] = {"copy": self.copy}
        self.delivery_info = {"redelivered": self.redelivered}

    def ack(self) -> None:
        self.done.append("ack")


def test_one_that_comes_back_while_its_job_runs_waits_and_is_settled_in_its_place() -> None:
    lost, back = Message(redelivered=False), Message()
    again = Redelivered()
    again.expect([lost])
    wait = again.known(back)
    assert wait is not None
    wait(back)
    assert back.done == []
    assert again.settled(lost, ACK) is back


def test_one_that_comes_back_when_its_job_has_ended_gets_what_was_owed() -> None:
    lost, back = Message(redelivered=False), Message()
    again = Redelivered()
    again.expect([lost])
    assert again.settled(lost, ACK) is None
    settle = again.known(back)
    assert settle is not None
    settle(back)
    assert back.done == ["ack"]
    assert again.known(Message()) is None  # once


def test_another_attempt_another_job_and_a_first_delivery_are_run() -> None:
    again = Redelivered()
    again.expect([Message()])
    again.settled(Message(job_id="b"), ACK)
    assert again.known(Message(retries=1)) is None
    assert again.known(Message(job_id="c")) is None
    assert again.known(Message(redelivered=False)) is None
    assert again.known(Message(job_id=None)) is None


def test_a_job_that_was_held_is_run_when_it_comes_back_as_another_copy() -> None:
    again = Redelivered()
    again.expect([Message(), Message(job_id="b", copy="one")])
    again.settled(Message(), ACK)
    again.settled(Message(job_id="b", copy="one"), ACK)
    assert again.known(Message(copy="one")) is None
    assert again.known(Message(job_id="b", copy="two")) is None
    assert again.known(Message(job_id="b", copy="one")) is ACK


def test_what_was_acknowledged_before_its_job_ran_is_not_expected_back() -> None:
    again = Redelivered()
    again.expect([Message(acknowledged=True)])
    assert again.known(Message()) is None


def test_what_other_workers_got_is_forgotten_in_the_end() -> None:
    again = Redelivered()
    for number in range(redelivered._REMEMBERED + 1):
        again.settled(Message(job_id=f"job-{number}"), ACK)
    assert again.known(Message(job_id="job-0")) is None
    assert again.known(Message(job_id="job-1")) is ACK
