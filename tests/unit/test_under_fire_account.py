"""Every fate of a job under fire is told from the others by the ledger alone."""

from __future__ import annotations

from typing import Any

import pytest

from under_fire.account import STANDSTILL, TERM, Account, account
from under_fire.ledger import (
    AGAIN,
    ENDED,
    FAULT,
    NOT_SENT,
    OVER,
    REFUSED,
    REMEMBERED,
    SENDING,
    SENT,
    STARTED,
    TROUBLE,
    UNSURE,
    Line,
)

CHILD, WORKER, OTHER = 11, 10, 20
LEASE, LIMIT = 4.0, 3
SENT_ONCE = [Line(0.0, SENDING, "job"), Line(0.1, SENT, "job")]
IN_DOUBT = [Line(0.0, SENDING, "job"), Line(0.1, UNSURE, "job")]
INSTEAD = [Line(0.0, SENDING, "job"), Line(0.1, NOT_SENT, "job")]
KILL = "kill"


def cut(at: float, *pids: int) -> list[Line]:
    """Return the lines of a run that has no end."""
    return [Line(at, STARTED, "job", pids or (CHILD, WORKER), f"message/{at}")]


def run(at: float, *pids: int, how: str = ENDED) -> list[Line]:
    """Return the lines of a run of a tenth of a second."""
    return [*cut(at, *pids), Line(at + 0.1, how, "job", pids or (CHILD, WORKER), f"message/{at}")]


def fault(at: float, *pids: int, name: str = KILL, until: float | None = None) -> list[Line]:
    """Return the lines of a fault."""
    return [Line(at, FAULT, name, pids, f"fault-{at}"), Line(until or at, OVER, name, pids, f"fault-{at}")]


ELSEWHERE = run(5.0, OTHER, OTHER)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (run(1.0), {"once": 1}),
        (run(1.0, how=REFUSED), {"once": 1, "refused": {"job"}}),
        ([*run(1.0, how=AGAIN), *ELSEWHERE], {"once": 1}),
        ([], {"lost": ["job"]}),
        (run(1.0, how=AGAIN), {"lost": ["job"]}),
        ([*cut(1.0), *fault(1.05, CHILD)], {"lost": ["job"], "cut": {KILL: 1}}),
        ([*cut(1.0), *fault(1.05, CHILD), *ELSEWHERE], {"once": 1, "cut": {KILL: 1}}),
        ([*cut(1.0), *fault(1.05, WORKER), *ELSEWHERE], {"once": 1, "cut": {KILL: 1}}),
        ([*cut(1.0), *ELSEWHERE], {"unexplained": ["job"]}),
        ([*run(1.0), *cut(5.0, OTHER)], {"unexplained": ["job"]}),
        ([*run(1.0), *ELSEWHERE], {"unexplained": ["job"]}),
        ([*run(1.0), *fault(1.2, CHILD), *ELSEWHERE], {"repeated": {KILL: 1}}),
        ([*run(1.0), *fault(1.2, WORKER), *ELSEWHERE], {"repeated": {KILL: 1}}),
        ([*run(1.0), *fault(0.9, WORKER, until=1.05), *ELSEWHERE], {"repeated": {KILL: 1}}),
        # one that asks to be run again is followed by one run
        ([*run(1.0, how=AGAIN), *run(3.0), *ELSEWHERE], {"unexplained": ["job"]}),
        ([*cut(1.0), *ELSEWHERE, Line(6.0, AGAIN, "job", (CHILD, WORKER), "message/1.0")], {"unexplained": ["job"]}),
    ],
)
def test_the_fate_of_a_job_that_was_sent(lines: list[Line], expected: dict[str, Any]) -> None:
    assert account([*SENT_ONCE, *lines], LEASE, LIMIT) == Account(sent=1, **expected)


@pytest.mark.parametrize(
    "lines",
    [
        fault(0.9, WORKER),  # before the first run
        fault(5.05, WORKER),  # when the second has begun
        fault(1.2, OTHER),  # of the one that repeats
        fault(1.2, 99),
        fault(1.2),  # the server, or all connections
        fault(1.2, WORKER, name=STANDSTILL, until=4.0),  # shorter than the lease
        fault(1.2, WORKER, name=TERM),
    ],
)
def test_what_explains_no_repetition(lines: list[Line]) -> None:
    assert account([*SENT_ONCE, *run(1.0), *lines, *ELSEWHERE], LEASE, LIMIT).unexplained == ["job"]


def test_a_standstill_longer_than_the_lease_explains_a_repetition_and_a_term_a_run_that_was_cut_off() -> None:
    frozen = fault(0.5, WORKER, name=STANDSTILL, until=4.9)
    assert account([*SENT_ONCE, *run(1.0), *frozen, *ELSEWHERE], LEASE, LIMIT).repeated == {STANDSTILL: 1}
    told = fault(1.2, WORKER, name=TERM, until=4.3)
    assert account([*SENT_ONCE, *cut(1.0), *told, *ELSEWHERE], LEASE, LIMIT).cut == {TERM: 1}


def test_a_worker_that_wakes_up_late_explains_that_it_begins_what_it_had_and_nothing_else() -> None:
    twice = [*SENT_ONCE, *run(3.0), *ELSEWHERE]
    late = fault(0.5, OTHER, name=STANDSTILL, until=4.9)
    assert account([*twice, *late], LEASE, LIMIT).repeated == {"standstill of a worker that had claimed it before": 1}
    for other in (
        fault(0.5, 99, name=STANDSTILL, until=4.9),
        fault(1.5, OTHER, name=STANDSTILL, until=4.9),  # not longer than the lease
        fault(0.5, OTHER, name=STANDSTILL, until=5.2),  # it stood still when it began
        fault(3.2, OTHER, name=STANDSTILL, until=4.9),
        fault(0.5, OTHER, until=4.9),
    ):
        assert account([*twice, *other], LEASE, LIMIT).unexplained == ["job"]


def test_a_step_is_done_again_only_by_the_death_of_who_was_at_it_and_never_when_it_is_remembered() -> None:
    killed, at_last = [*SENT_ONCE, *run(1.0), *fault(1.2, WORKER), *ELSEWHERE], Line(5.2, REMEMBERED, "job")
    assert account([*killed, at_last], LEASE, LIMIT).repeated == {KILL: 1}
    assert account([*killed, Line(1.15, REMEMBERED, "job"), at_last], LEASE, LIMIT).unexplained == ["job"]
    assert account([*killed, at_last, Line(1.15, REMEMBERED, "job")], LEASE, LIMIT).unexplained == ["job"]
    frozen = [*SENT_ONCE, *run(1.0), *fault(0.5, WORKER, name=STANDSTILL, until=4.9), *ELSEWHERE]
    late = [*SENT_ONCE, *run(3.0), *fault(0.5, OTHER, name=STANDSTILL, until=4.9), *ELSEWHERE]
    for lines in (frozen, late):
        assert account(lines, LEASE, LIMIT).good
        assert account([*lines, at_last], LEASE, LIMIT).unexplained == ["job"]


def test_every_repetition_needs_a_reason_of_its_own() -> None:
    thrice = [*SENT_ONCE, *run(1.0), *ELSEWHERE, *run(9.0, 31, 30)]
    assert not account([*thrice, *fault(1.2, WORKER)], LEASE, LIMIT).good
    assert account([*thrice, *fault(1.2, WORKER), *fault(5.2, OTHER)], LEASE, LIMIT).good


def test_one_in_doubt_may_be_missing_until_it_was_begun_and_one_that_was_not_sent_may_not_run() -> None:
    assert account(IN_DOUBT, LEASE, LIMIT).good
    assert account([*IN_DOUBT, *run(1.0)], LEASE, LIMIT).once == 1
    assert account([*IN_DOUBT, *cut(1.0)], LEASE, LIMIT).lost == ["job"]
    assert account(INSTEAD, LEASE, LIMIT).good
    assert account([*INSTEAD, *run(1.0)], LEASE, LIMIT).never_sent == ["job"]
    assert account(run(1.0), LEASE, LIMIT).never_sent == ["job"]


def test_two_messages_of_one_job_are_told_from_one_that_was_run_twice() -> None:
    other = [Line(5.0, STARTED, "job", (OTHER,), "other/5"), Line(5.1, ENDED, "job", (OTHER,), "other/5")]
    found = account([*SENT_ONCE, *run(1.0), *other], LEASE, LIMIT)
    assert (found.published_twice, found.unexplained, found.good) == (["job"], [], False)
    assert account([*SENT_ONCE, *run(1.0, how=AGAIN), *other], LEASE, LIMIT).good


def test_a_message_that_too_many_workers_died_with_is_given_up_and_not_lost() -> None:
    deaths = [line for at in (1.0, 2.0, 3.0) for line in (*cut(at), *fault(at + 0.5, WORKER))]
    found = account([*SENT_ONCE, *deaths], LEASE, LIMIT)
    assert (found.given_up, found.good, found.cut) == ({"job"}, True, {KILL: 3})
    assert account([*SENT_ONCE, *deaths], LEASE, LIMIT + 1).lost == ["job"]
    assert account([*SENT_ONCE, *deaths[:-2]], LEASE, LIMIT).lost == ["job"]


def test_what_was_done_by_one_that_stood_still_may_be_a_letter_when_others_have_died_with_it_since() -> None:
    awake = [*run(1.0), *fault(1.05, WORKER, name=STANDSTILL, until=6.0)]
    deaths = [line for at in (5.5, 7.0) for line in (*cut(at, OTHER, OTHER), *fault(at + 0.5, OTHER))]
    found = account([*SENT_ONCE, *awake, *deaths], LEASE, LIMIT)
    assert (found.good, found.given_up, found.perhaps_given_up) == (True, set(), {"job"})
    assert account([*SENT_ONCE, *awake, *deaths], LEASE, LIMIT + 1).perhaps_given_up == set()


def test_a_trouble_is_not_good() -> None:
    found = account([*SENT_ONCE, *run(1.0), Line(2.0, TROUBLE, "a worker went on")], LEASE, LIMIT)
    assert (found.troubles, found.good) == (["a worker went on"], False)
