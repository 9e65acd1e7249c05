"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

Backoff = Literal["exponential", "linear", "fixed"]


def backoff_delay(  # noqa: PLR0913 - each is one number of the formula
    kind: Backoff | Callable[[int], float],
    attempt: int,
    *,
    base: float,
    factor: float,
    cap: float,
    jitter: bool,
    chance: Callable[[float, float], float] = random.uniform,
) -> float:
    """Return the seconds between the failure of *attempt* (counted from 1) and the next one.

    Exponential ``base * factor ** (attempt - 1)``, linear ``base * attempt``, fixed ``base``, or what the
    function *kind* returns for *attempt*; at most *cap*. Jitter multiplies by a random number in [0.5, 1], so
    that jobs that failed together do not come back together, and yet none comes back at once.
    """
    if callable(kind):
        delay = kind(attempt)
    elif kind == "exponential":
        delay = _exponential(base, factor, attempt - 1)
    else:
        delay = base * attempt if kind == "linear" else base
    delay = min(max(0.0, delay), cap)
    return delay * chance(0.5, 1.0) if jitter else delay


def _exponential(base: float, factor: float, steps: int) -> float:
    try:
        return base * float(factor) ** steps
    except OverflowError:
        return float("inf") if base else 0.0
