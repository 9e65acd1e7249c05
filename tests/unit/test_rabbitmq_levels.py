"""Behind one name lie the queues of its levels."""

from __future__ import annotations

import pytest

from tasks_platform import Priority
from tasks_platform.broker.rabbitmq.levels import LEVELS, level_behind, level_of, logical_name, physical_name
from tasks_platform.queues import broker_priority


def test_the_levels_are_those_of_the_platform_in_their_order() -> None:
    assert list(LEVELS) == list(Priority)
    assert list(LEVELS.values()) == [broker_priority(level, highest_first=False) for level in Priority]


@pytest.mark.parametrize(
    ("priority", "level"),
    [
        (None, "normal"),
        (0, "bulk"),
        (1, "low"),
        (3, "low"),
        (4, "normal"),
        (6, "normal"),
        (7, "high"),
        (8, "high"),
        (9, "critical"),
        (255, "critical"),
    ],
)
def test_a_number_between_two_levels_belongs_to_the_higher_one(priority: int | None, level: str) -> None:
    assert level_of(priority) == level


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("queue", ["default", "shop.orders", "eu:orders", "high"])
def test_a_queue_and_its_level_are_found_again_in_its_name_on_the_server(queue: str, level: str) -> None:
    physical = physical_name(queue, level)

    assert (logical_name(physical), level_behind(physical)) == (queue, level)


def test_the_normal_level_has_the_plain_name_so_that_others_find_it() -> None:
    assert physical_name("orders", "normal") == "orders"
    assert physical_name("orders", "high") == "orders:high"
