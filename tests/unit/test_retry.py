from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st

from property_tests import given
from runs import a_run, decide
from tasks_platform.errors import (
    PayloadError,
    PermanentError,
    ServiceUnavailableError,
    TaskDefinitionError,
    TransientError,
    TryAgain,
)
from tasks_platform.policies import DeadLetters, Retry
from tasks_platform.policy import Policy, Run, Verdict
from tasks_platform.store import MemoryStore


class MailerDownError(Exception):
    pass


class NoSuchAddressError(MailerDownError):
    pass


def delay(policy: Retry, error: BaseException, **fields) -> float | None:
    return decide((policy,), a_run(**fields), error).again_in


def planned(policy: Retry, attempts: int) -> list[float | None]:
    return [delay(policy, MailerDownError(), attempt=attempt) for attempt in range(1, attempts + 1)]


@pytest.mark.checklist(26, 27, 28)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1, 2, 4, 8, 16, None]),
        ({"backoff": "linear"}, [1, 2, 3, 4, 5, None]),
        ({"backoff": "fixed", "base": 5.0}, [5, 5, 5, 5, 5, None]),
        ({"backoff": lambda attempt: 60.0 * attempt}, [60, 120, 180, 240, 300, None]),
        ({"base": 2.0, "factor": 3.0, "cap": 20.0}, [2, 6, 18, 20, 20, None]),
    ],
)
def test_every_kind_of_backoff_comes_out_as_declared(options, expected):
    assert planned(Retry(max_attempts=6, jitter=False, **options), 6) == expected


@pytest.mark.checklist(25)
@pytest.mark.parametrize(("max_attempts", "retries"), [(1, 0), (2, 1), (3, 2), (None, 2), (10, 9)])
def test_max_attempts_counts_the_first_run_and_is_three_unless_declared(max_attempts, retries):
    granted = [again for again in planned(Retry(max_attempts=max_attempts), 12) if again is not None]

    assert len(granted) == retries


@pytest.mark.checklist(3, 25)
@pytest.mark.parametrize(("declared", "called", "retries"), [(3, 1, 0), (3, 5, 4), (None, 2, 1)])
def test_a_call_may_say_otherwise(declared, called, retries):
    policy, headers = Retry(max_attempts=declared), {"max_attempts": called}
    granted = [delay(policy, MailerDownError(), attempt=attempt, headers=headers) for attempt in range(1, 12)]

    assert sum(again is not None for again in granted) == retries


@pytest.mark.checklist(30)
@pytest.mark.parametrize("error", [PermanentError(), PayloadError()])
def test_a_permanent_error_ends_the_job_after_one_attempt(error):
    assert delay(Retry(max_attempts=8), error) is None


@pytest.mark.checklist(29)
def test_an_unknown_error_is_retried():
    assert delay(Retry(jitter=False), ZeroDivisionError()) == 1


@pytest.mark.checklist(29)
@pytest.mark.parametrize(
    ("options", "error", "retried"),
    [
        ({"on": PermanentError}, PermanentError(), True),
        ({"on": (ValueError, PermanentError)}, PermanentError(), True),
        ({"never": MailerDownError}, MailerDownError(), False),
        ({"never": MailerDownError}, NoSuchAddressError(), False),
        ({"never": NoSuchAddressError}, MailerDownError(), True),
        ({"on": MailerDownError, "never": NoSuchAddressError}, NoSuchAddressError(), False),
        ({"on": NoSuchAddressError, "never": MailerDownError}, NoSuchAddressError(), False),
        ({"never": TransientError}, ServiceUnavailableError("down"), False),
    ],
)
def test_a_task_extends_both_lists_and_never_wins(options, error, retried):
    assert (delay(Retry(**options), error) is not None) == retried


@pytest.mark.parametrize(("asked", "expected"), [(0.5, 4), (4.0, 4), (90.0, 90), (86400.0, 86400)])
def test_a_server_that_asks_for_longer_wins_and_one_that_asks_for_less_does_not(asked, expected):
    policy = Retry(max_attempts=9, jitter=False, cap=10.0)

    assert delay(policy, ServiceUnavailableError("busy", retry_after=asked), attempt=3) == expected


@given(
    attempt=st.integers(1, 50),
    base=st.floats(0, 1e5),
    factor=st.floats(1, 100),
    cap=st.floats(0, 1e6),
    kind=st.sampled_from(["exponential", "linear", "fixed"]),
    asked=st.none() | st.floats(0, 1e6),
)
def test_a_delay_lies_between_half_of_the_plan_and_the_cap_unless_the_server_asks_for_more(  # noqa: PLR0913, PLR0917
    attempt, base, factor, cap, kind, asked
):
    options = {"max_attempts": 100, "base": base, "factor": factor, "cap": cap, "backoff": kind}
    plan = Retry(jitter=False, **options).planned(attempt)
    actual = delay(Retry(**options), ServiceUnavailableError("busy", retry_after=asked), attempt=attempt)

    assert actual is not None
    assert max(plan / 2, asked or 0) <= actual <= max(plan, asked or 0)
    assert actual <= max(cap, asked or 0)


def test_a_task_that_asks_for_another_attempt_gets_it_when_it_said():
    assert delay(Retry(), TryAgain(17.0)) == 17


def test_a_task_that_gives_up_gets_no_other_attempt():
    assert delay(Retry(), TryAgain(None, ConnectionError())) is None


def test_what_a_task_asks_for_counts_as_an_attempt():
    assert delay(Retry(max_attempts=3), TryAgain(17.0), attempt=3) is None


def test_a_task_may_insist_on_another_attempt_after_a_permanent_error():
    assert delay(Retry(), TryAgain(17.0, PermanentError())) == 17


def aged(seconds: float, **fields) -> Run:
    """Return the second attempt at a job whose first one began *seconds* ago and has failed."""
    store = MemoryStore()
    first = a_run(store, started_at=datetime.now(UTC) - timedelta(seconds=seconds))
    decide((DeadLetters(), Retry(max_attempts=99)), first, MailerDownError())
    return a_run(store, attempt=2, **fields)


@pytest.mark.checklist(25)
@pytest.mark.parametrize("limit", [600.0, timedelta(minutes=10)])
@pytest.mark.parametrize(("age", "again"), [(0, 30), (500, 30), (569, 30), (571, None), (700, None)])
def test_no_attempt_is_planned_beyond_give_up_after(limit, age, again):
    policy = Retry(give_up_after=limit, backoff="fixed", base=30.0, jitter=False)

    assert policy.delay(aged(age), MailerDownError()) == again


def test_give_up_after_alone_does_not_limit_the_number_of_attempts():
    assert delay(Retry(give_up_after=3600, backoff="fixed"), MailerDownError(), attempt=500) is not None


def test_give_up_after_and_max_attempts_both_hold():
    policy = Retry(give_up_after=3600, max_attempts=2)

    assert policy.delay(aged(1), MailerDownError()) is None


def test_give_up_after_counts_from_the_first_attempt_without_dead_letters_too():
    policy = Retry(give_up_after=600.0, backoff="linear", base=15.0, jitter=False)
    store = MemoryStore()
    ago = [datetime.now(UTC) - timedelta(seconds=seconds) for seconds in (580, 300)]

    verdicts = [
        decide((policy,), a_run(store, attempt=attempt, started_at=started), MailerDownError()).again_in
        for attempt, started in enumerate(ago, 1)
    ]

    assert verdicts == [15, None]


def test_an_answer_of_the_server_that_comes_too_late_ends_the_job():
    policy = Retry(give_up_after=600.0)

    assert delay(policy, ServiceUnavailableError("busy", retry_after=601.0)) is None


@given(
    limit=st.floats(0.001, 1e6),
    age=st.floats(0, 1e6),
    base=st.floats(0, 1e5),
    asked=st.none() | st.floats(0, 1e6),
)
def test_give_up_after_never_schedules_beyond_itself(limit, age, base, asked):
    began = datetime.now(UTC)
    run = aged(age)
    actual = Retry(give_up_after=limit, base=base).delay(run, ServiceUnavailableError("busy", retry_after=asked))

    elapsed = (began - datetime.fromisoformat(run.store.attempts("job-1")[0]["started_at"])).total_seconds()
    assert actual is None or elapsed + actual <= limit


def test_policies_further_in_hear_of_the_failure_whether_or_not_there_is_another_attempt():
    heard = []

    class Listener(Policy):
        def failed(self, run, error, proceed):
            heard.append(run.attempt)
            return proceed()

    for attempt in (1, 2):
        decide((Retry(max_attempts=2), Listener()), a_run(attempt=attempt), MailerDownError())

    assert heard == [1, 2]


def test_without_retry_nothing_is_tried_again():
    assert decide((), a_run(), MailerDownError()) == Verdict()


def late(_: int) -> timedelta:
    return timedelta(seconds=1)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"max_attempts": 0}, "the first run counts"),
        ({"max_attempts": -3}, "the first run counts"),
        ({"backoff": "exponental"}, "did you mean 'exponential'"),
        ({"backoff": "quadratic"}, "exponential, linear, fixed"),
        ({"backoff": late}, "seconds"),
        ({"backoff": lambda: 1.0}, "the failed attempt's number"),
        ({"base": -1.0}, "not negative"),
        ({"cap": -1.0}, "not negative"),
        ({"factor": 0.5}, "at least 1"),
        ({"cap": float("inf")}, "finite"),
        ({"base": float("nan")}, "finite"),
        ({"give_up_after": 0}, "positive"),
        ({"give_up_after": timedelta(seconds=-1)}, "positive"),
        ({"on": "MailerDownError"}, "error classes"),
        ({"on": [MailerDownError]}, "error classes"),
        ({"never": (MailerDownError, "ValueError")}, "error classes"),
        ({"never": MailerDownError()}, "error classes"),
    ],
)
def test_an_option_that_cannot_work_is_refused_when_it_is_written(options, hint):
    with pytest.raises(TaskDefinitionError, match=hint):
        Retry(**options)


def test_a_misspelt_option_is_refused():
    with pytest.raises(TypeError, match="max_retries"):
        Retry(max_retries=5)  # type: ignore[call-arg]
