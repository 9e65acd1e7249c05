"""Every fate of a job under fire is told from the others by the ledger alone."""

from __future__ import annotations

from under_fire.account import account
from under_fire.ledger import ENDED, FAULT, SENDING, SENT, STARTED, UNSURE, Line

CHILD, WORKER, OTHER = 11, 10, 20


def lines(*told: tuple[float, str, str, tuple[int, ...]]) -> list[Line]:
    return [Line(*one) for one in told]


def run(at: float, child: int = CHILD, worker: int = WORKER) -> list[Line]:
    return lines((at, STARTED, "job", (child, worker)), (at + 0.1, ENDED, "job", (child, worker)))


SENT_ONCE = lines((0.0, SENDING, "job", ()), (0.1, SENT, "job", ()))


def test_a_job_that_ended_once_is_good_also_when_a_kill_cut_an_earlier_run() -> None:
    cut = lines((1.0, STARTED, "job", (CHILD, WORKER)), (1.05, FAULT, "kill", (CHILD,)))
    found = account([*SENT_ONCE, *cut, *run(2.0, OTHER)])
    assert (found.once, found.cut, found.good) == (1, 1, True)


def test_a_job_that_was_sent_and_did_not_end_is_lost_and_one_in_doubt_is_not() -> None:
    assert account(SENT_ONCE).lost == ["job"]
    assert account(lines((0.0, SENDING, "job", ()), (0.1, UNSURE, "job", ()))).good


def test_a_job_that_nobody_sent_is_told_of() -> None:
    assert account(run(1.0)).never_sent == ["job"]


def test_a_repetition_needs_a_kill_of_who_ran_it_or_of_its_worker() -> None:
    twice = [*SENT_ONCE, *run(1.0), *run(5.0, OTHER, OTHER)]
    assert account(twice).unexplained == ["job"]
    for victim in (CHILD, WORKER):
        found = account([*twice, *lines((1.2, FAULT, "kill", (victim,)))])
        assert (dict(found.repeated), found.good) == ({"kill": 1}, True)
    for elsewhere in ((1.2, FAULT, "kill", (99,)), (1.2, FAULT, "cut", ()), (9.0, FAULT, "kill", (WORKER,))):
        assert not account([*twice, *lines(elsewhere)]).good


def test_every_repetition_needs_a_reason_of_its_own() -> None:
    thrice = [*SENT_ONCE, *run(1.0), *run(5.0, OTHER, OTHER), *run(9.0, 31, 30)]
    assert not account([*thrice, *lines((1.2, FAULT, "kill", (WORKER,)))]).good
    assert account([*thrice, *lines((1.2, FAULT, "kill", (WORKER,)), (5.2, FAULT, "kill", (OTHER,)))]).good
