"""How much may wait, and how much may lie dead."""

from __future__ import annotations

from collections.abc import Mapping

from tasks_platform.health.finding import Finding
from tasks_platform.settings import Health


def waiting(counts: Mapping[str, int], settings: Health) -> Finding:
    """Decide by the number of waiting jobs per queue."""
    bounds = {queue: settings.queues.get(queue, settings.waiting) for queue in counts}
    full = [f"{queue} has {counts[queue]:,} of {bound:,}" for queue, bound in bounds.items() if counts[queue] >= bound]
    figures = {"waiting": dict(counts), "bounds": bounds}
    if full:
        message = f"too much waits: {', '.join(full)}; start more workers, or find out what is slow"
        return Finding(healthy=False, message=message, figures=figures)
    return Finding(
        healthy=True, message=f"{sum(counts.values()):,} jobs wait in {_queues(len(counts))}", figures=figures
    )


def letters(count: int, settings: Health) -> Finding:
    """Decide by the number of dead letters."""
    figures = {"letters": count, "bound": settings.letters}
    if count >= settings.letters:
        message = (
            f"{count:,} dead letters, {settings.letters:,} or more is too much: see 'tasks-platform letters groups'"
        )
        return Finding(healthy=False, message=message, figures=figures)
    return Finding(healthy=True, message=f"{count:,} dead letters", figures=figures)


def _queues(count: int) -> str:
    return "1 queue" if count == 1 else f"{count:,} queues"
