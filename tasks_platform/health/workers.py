"""Whether every queue has a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks_platform.health.finding import Finding
from tasks_platform.queues import Priority, Share, lists_taken
from tasks_platform.task.levels import LEVELS


def share_of(queues: Iterable[Mapping[str, Any]], named: Callable[[str], str] = str) -> Share:
    """Return what a worker takes, by what it answers when it is asked for its queues, each *named* by its name."""
    served = list(queues)
    levels = {level for queue in served for level in (queue.get("consumer_arguments") or {}).get(LEVELS, ())}
    names = frozenset(named(queue["name"]) for queue in served)
    return Share(queues=names, levels=frozenset(map(Priority, levels)) or None)


def served(needed: Iterable[str], shares: Mapping[str, Share]) -> Finding:
    """Decide by the queues that are *needed* and what each worker takes that answered, by its name."""
    taken = lists_taken(sorted(needed), shares)
    by_queue: dict[str, list[str]] = {}
    for (queue, _), names in taken.items():
        by_queue[queue] = sorted({*by_queue.get(queue, ()), *names})
    figures = {"workers": sorted(shares), "queues": by_queue}
    if unserved := [queue for queue, names in by_queue.items() if not names]:
        message = f"no worker answers for {', '.join(unserved)}: start one with -Q {','.join(unserved)}"
        return Finding(healthy=False, message=message, figures=figures)
    if left := [f"{level} of {queue}" for (queue, level), names in taken.items() if not names]:
        message = f"no worker takes {', '.join(left)}: start a worker of a class that does"
        return Finding(healthy=False, message=message, figures=figures)
    count = len(figures["workers"])
    return Finding(healthy=True, message=f"{count} worker{'s' * (count != 1)} for all queues", figures=figures)
