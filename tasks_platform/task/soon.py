"""Timers of kombu's event loop that also hold when they are set while it calls those of its ticks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


def timer_of(hub: Any) -> Callable[[float, Callable[[], object]], object]:
    """Return what calls a function of the event loop *hub* after so many seconds.

    The hub works out how long to sleep before its ticks, and would sleep past a timer that is set in one of them.
    """
    return partial(_call_later, hub)


def _call_later(hub: Any, seconds: float, action: Callable[[], object]) -> object:
    entry = hub.call_later(seconds, action)
    if (waker := getattr(hub, "_waker", None)) is not None:  # kombu's own, for what other threads ask of it
        waker.wake()
    return entry
