"""A timer that is set in a tick of the event loop holds."""

from __future__ import annotations

import time

from kombu.asynchronous import Hub
from kombu.asynchronous.timer import Timer

from tasks_platform.task.soon import timer_of

SECONDS = 0.02


def test_a_timer_that_is_set_in_a_tick_ends_the_sleep_of_the_loop() -> None:
    hub, called, ticks = Hub(Timer(max_interval=10.0)), list[float](), list[float]()

    def tick() -> None:
        if not ticks:
            timer_of(hub)(SECONDS, lambda: called.append(time.monotonic()))
        ticks.append(time.monotonic())

    hub.on_tick.add(tick)
    hub.call_later(5.0, called.append, 0.0)  # without it the loop sleeps for a second at most
    while not called:
        hub.run_once()
    assert SECONDS <= called[0] - ticks[0] < 3.0
    hub.close()
