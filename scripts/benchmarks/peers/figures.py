"""From values to figures: medians, ratios to plain Celery, and how they are written. Decides only."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Final

from peers.catalog import BASE

#: What is jobs per second: the more the better, and compared with plain Celery.
RATES: Final = {
    "enqueue": "one by one",
    "bulk": "many",
    "consume 1": "1 process",
    "consume 2": "2 processes",
    "stored 1": "1, results stored",
    "stored 2": "2, results stored",
}
#: What else is measured.
OTHERS: Final = {
    "p50": "idle, p50 ms",
    "p99": "idle, p99 ms",
    "cpu": "CPU of the worker, us",
    "sleeps": "sleeps, s",
    "delayed, server": "delayed: server, MB",
    "delayed, worker": "delayed: worker, MB",
    "sent: commands": "commands: sent",
    "run: commands": "commands: run",
    "run and stored: commands": "commands: run, stored",
    "sent: round trips": "trips: sent",
    "run: round trips": "trips: run",
    "run and stored: round trips": "trips: run, stored",
}
Figures = dict[str, float]


def figures(values: Mapping[str, Sequence[float]]) -> Figures:
    """Return the median of each, and what the latencies of most jobs stay below."""
    found = {name: statistics.median(them) for name, them in values.items() if them and name != "latency"}
    if latencies := sorted(values.get("latency", ())):
        found["p50"] = statistics.median(latencies)
        found["p99"] = latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)]
    return found


def ratios(everybody: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Figures]:
    """Return how many times as fast as plain Celery each was: the median of the rounds' ratios."""
    base = everybody.get(BASE, {})
    return {
        name: {
            what: statistics.median(mine / its for mine, its in zip(values[what], base[what], strict=False))
            for what in RATES
            if values.get(what) and base.get(what)
        }
        for name, values in everybody.items()
    }


def written(value: float | None) -> str:
    """Write a figure with three digits."""
    if value is None:
        return "-"
    if abs(value) >= 100:  # noqa: PLR2004
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"
