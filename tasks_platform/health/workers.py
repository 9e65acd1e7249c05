"""Whether every queue has a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tasks_platform.health.finding import Finding


def served(needed: Iterable[str], consumed: Mapping[str, Iterable[str]]) -> Finding:
    """Decide by the queues that are *needed* and those *consumed* by each worker that answered, by its name."""
    by_queue = {queue: sorted(name for name, queues in consumed.items() if queue in queues) for queue in sorted(needed)}
    figures = {"workers": sorted(consumed), "queues": by_queue}
    if unserved := [queue for queue, names in by_queue.items() if not names]:
        message = f"no worker answers for {', '.join(unserved)}: start one with -Q {','.join(unserved)}"
        return Finding(healthy=False, message=message, figures=figures)
    count = len(figures["workers"])
    return Finding(healthy=True, message=f"{count} worker{'s' * (count != 1)} for all queues", figures=figures)
