"""How long jobs waited, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tasks_platform.store.memory.part import MemoryPart

#: How long an hour's counts are kept, in seconds.
KEPT = 2 * 86400.0


class WaitCounts(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def count_waits(self, writer: str, number: int, hour: int, counts: Mapping[str, int]) -> None:
        with self._lock:
            if number > (self._get(f"writer:{writer}") or 0):
                self._set(f"writer:{writer}", number, KEPT)
                self._set(f"waits:{hour}", Counter(self._get(f"waits:{hour}")) + Counter(counts), KEPT)

    def waits(self, hours: Iterable[int]) -> dict[str, int]:
        with self._lock:
            total: Counter[str] = Counter()
            for hour in hours:
                total.update(self._get(f"waits:{hour}") or {})
            return dict(total)
