from __future__ import annotations

import math

import pytest
from hypothesis import strategies as st

from property_tests import given
from tasks_platform.policy import backoff_delay

KINDS = st.sampled_from(["exponential", "linear", "fixed"])
SECONDS = st.floats(min_value=0, max_value=1e9)
FACTORS = st.one_of(st.floats(min_value=1, max_value=1e12), st.integers(min_value=1, max_value=10**12))
ATTEMPTS = st.integers(min_value=1, max_value=10_000)


def delays(kind, *, attempts=5, base=1.0, factor=2.0, cap=3600.0):
    return [
        backoff_delay(kind, attempt, base=base, factor=factor, cap=cap, jitter=False)
        for attempt in range(1, attempts + 1)
    ]


@pytest.mark.checklist(26, 27, 28)
@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("exponential", {}, [1, 2, 4, 8, 16]),
        ("exponential", {"base": 2.0}, [2, 4, 8, 16, 32]),
        ("exponential", {"factor": 3.0}, [1, 3, 9, 27, 81]),
        ("exponential", {"factor": 1.0}, [1, 1, 1, 1, 1]),
        ("exponential", {"cap": 5.0}, [1, 2, 4, 5, 5]),
        ("exponential", {"base": 0.0}, [0, 0, 0, 0, 0]),
        ("linear", {}, [1, 2, 3, 4, 5]),
        ("linear", {"base": 5.0}, [5, 10, 15, 20, 25]),
        ("linear", {"cap": 3.5}, [1, 2, 3, 3.5, 3.5]),
        ("linear", {"factor": 9.0}, [1, 2, 3, 4, 5]),
        ("fixed", {}, [1, 1, 1, 1, 1]),
        ("fixed", {"base": 5.0}, [5, 5, 5, 5, 5]),
        ("fixed", {"base": 5.0, "cap": 2.0}, [2, 2, 2, 2, 2]),
        (lambda attempt: 10.0 * attempt**2, {}, [10, 40, 90, 160, 250]),
        (lambda attempt: 10.0 * attempt**2, {"cap": 100.0}, [10, 40, 90, 100, 100]),
        (lambda _: -1.0, {}, [0, 0, 0, 0, 0]),
    ],
)
def test_each_kind_of_backoff_has_its_row(kind, options, expected):
    assert delays(kind, **options) == expected


@pytest.mark.checklist(26)
def test_exponential_backoff_ends_at_one_hour():
    assert delays("exponential", attempts=100)[11:13] == [2048, 3600]
    assert set(delays("exponential", attempts=100)[12:]) == {3600}


@given(kind=KINDS, attempt=ATTEMPTS, base=SECONDS, factor=FACTORS, cap=SECONDS)
def test_a_delay_is_never_negative_and_never_over_the_cap(kind, attempt, base, factor, cap):
    delay = backoff_delay(kind, attempt, base=base, factor=factor, cap=cap, jitter=False)

    assert 0 <= delay <= cap


@given(kind=KINDS, attempt=ATTEMPTS, base=SECONDS, factor=FACTORS, cap=SECONDS)
def test_jitter_leaves_at_least_half_of_the_planned_delay_and_never_adds_to_it(kind, attempt, base, factor, cap):
    planned = backoff_delay(kind, attempt, base=base, factor=factor, cap=cap, jitter=False)
    actual = backoff_delay(kind, attempt, base=base, factor=factor, cap=cap, jitter=True)

    assert planned / 2 <= actual <= planned


@given(kind=KINDS, attempt=ATTEMPTS, base=SECONDS, factor=FACTORS, cap=SECONDS)
def test_a_later_attempt_never_waits_less(kind, attempt, base, factor, cap):
    earlier, later = (
        backoff_delay(kind, number, base=base, factor=factor, cap=cap, jitter=False)
        for number in (attempt, attempt + 1)
    )

    assert earlier <= later


@given(answer=st.floats(allow_nan=True, allow_infinity=True), cap=SECONDS)
def test_a_function_may_answer_anything_and_the_delay_stays_in_its_bounds(answer, cap):
    delay = backoff_delay(lambda _: answer, 1, base=1, factor=2, cap=cap, jitter=True)

    assert 0 <= delay <= cap


@pytest.mark.parametrize("chance", [0.5, 0.75, 1.0])
def test_jitter_multiplies_by_what_chance_says_between_a_half_and_one(chance):
    asked: list[tuple[float, float]] = []

    def choose(low: float, high: float) -> float:
        asked.append((low, high))
        return chance

    delay = backoff_delay("fixed", 1, base=8.0, factor=2.0, cap=3600.0, jitter=True, chance=choose)

    assert (asked, delay) == ([(0.5, 1.0)], 8.0 * chance)


def test_jobs_that_failed_together_do_not_come_back_together():
    together = {backoff_delay("fixed", 1, base=60.0, factor=2.0, cap=3600.0, jitter=True) for _ in range(100)}

    assert len(together) > 90
    assert all(math.isfinite(delay) for delay in together)
