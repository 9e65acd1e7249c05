from __future__ import annotations

import pytest
from hypothesis import strategies as st

from property_tests import given
from tasks_platform.queues import PRIORITY_STEPS, Priority, broker_priority, priority_level


@pytest.mark.checklist(38, 41)
@pytest.mark.parametrize(
    ("level", "on_redis", "on_rabbitmq"),
    [
        (Priority.CRITICAL, 0, 9),
        (Priority.HIGH, 1, 8),
        (Priority.NORMAL, 3, 6),
        (Priority.LOW, 6, 3),
        (Priority.BULK, 9, 0),
    ],
)
def test_a_level_is_a_number_where_a_broker_wants_one(level, on_redis, on_rabbitmq):
    assert broker_priority(level) == on_redis
    assert broker_priority(level, highest_first=False) == on_rabbitmq


def test_the_levels_are_told_from_the_first_to_the_last():
    assert list(Priority) == ["critical", "high", "normal", "low", "bulk"]
    assert [broker_priority(level) for level in Priority] == sorted(broker_priority(level) for level in Priority)


@pytest.mark.parametrize("name", ["critical", "CRITICAL", "Critical"])
def test_a_level_is_known_by_its_name(name):
    assert broker_priority(name) == 0


@pytest.mark.parametrize("name", ["urgent", "", "3", "high "])
def test_a_name_that_is_no_level_is_refused_with_the_list(name):
    with pytest.raises(ValueError, match="is no priority; the levels are critical, high, normal, low, bulk") as caught:
        broker_priority(name)
    assert repr(name) in str(caught.value)


@pytest.mark.checklist(41)
@pytest.mark.parametrize("number", [0, 1, 5, 9, 10])
def test_a_number_is_passed_through(number):
    assert broker_priority(number) == number
    assert broker_priority(number, highest_first=False) == number


@pytest.mark.parametrize("level", Priority)
def test_a_level_is_recognized_by_its_number_on_redis(level):
    assert priority_level(broker_priority(level)) is level


@pytest.mark.checklist(41)
@pytest.mark.parametrize(
    ("number", "level"),
    [
        (None, Priority.CRITICAL),
        (-1, Priority.CRITICAL),
        (2, Priority.HIGH),
        (4, Priority.NORMAL),
        (5, Priority.NORMAL),
        (7, Priority.LOW),
        (10, Priority.BULK),
        (255, Priority.BULK),
    ],
)
def test_a_number_between_two_levels_waits_in_the_higher_one(number, level):
    assert priority_level(number) is level


def test_what_a_plain_producer_sends_is_read_too():
    assert {0, 3, 6, 9} <= set(PRIORITY_STEPS)


@given(one=st.integers(), other=st.integers())
def test_a_smaller_number_never_waits_in_a_lower_level(one, other):
    low, high = sorted((one, other))

    assert list(Priority).index(priority_level(low)) <= list(Priority).index(priority_level(high))
