"""How many messages are taken ahead."""

from __future__ import annotations

import threading
import time

import pytest

from tasks_platform.broker.leased.pace import HORIZON, MOST, Pace


@pytest.mark.parametrize(
    ("moments", "now", "taken", "ahead"),
    [
        ([], 1.0, 0, 0),
        ([1.0], 1.0, 0, 1),
        ([1.0], 1.0, 1, 0),
        ([1.0, 1.0, 1.0], 1.0 + HORIZON / 2, 2, 1),
        ([1.0, 1.0 + HORIZON], 1.0 + HORIZON * 1.5, 0, 1),
        ([1.0, 1.0], 2.0, 0, 0),
        ([1.0], 1.0, 8, 0),
        ([1.0] * 1000, 1.0, 10, MOST - 10),
    ],
)
def test_as_many_are_taken_ahead_as_were_done_with_lately(
    moments: list[float], now: float, taken: int, ahead: int
) -> None:
    pace = Pace()
    for moment in moments:
        pace.began(moment)
    assert pace.ahead(now, taken) == ahead


def test_threads_may_ask_while_others_go_on() -> None:
    pace, errors = Pace(), list[Exception]()
    until = time.monotonic() + 0.3

    def work() -> None:
        try:
            while (now := time.monotonic()) < until:
                pace.began(now)
                assert 0 <= pace.queued(now + HORIZON * 0.99) <= MOST
        except Exception as error:  # noqa: BLE001 - whichever it is
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
