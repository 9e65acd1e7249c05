"""How many messages are taken ahead."""

from __future__ import annotations

import pytest

from tasks_platform.broker.leased.pace import HORIZON, MOST, Pace


@pytest.mark.parametrize(
    ("moments", "now", "ahead"),
    [
        ([], 1.0, 0),
        ([1.0], 1.0, 1),
        ([1.0, 1.0, 1.0], 1.0 + HORIZON / 2, 3),
        ([1.0, 1.0 + HORIZON], 1.0 + HORIZON * 1.5, 1),
        ([1.0, 1.0], 2.0, 0),
        ([1.0] * 1000, 1.0, MOST),
    ],
)
def test_as_many_are_taken_ahead_as_were_begun_with_lately(moments: list[float], now: float, ahead: int) -> None:
    pace = Pace()
    for moment in moments:
        pace.began(moment)
    assert pace.ahead(now) == ahead
