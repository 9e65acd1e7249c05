"""How long jobs waited, in Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from tasks_platform.store.redis.part import RedisPart, ms

#: How long an hour's counts are kept, in seconds.
KEPT: Final = 2 * 86400
#: How long an addition may be repeated, in seconds.
REPEATED: Final = 3600


class WaitCounts(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def count_waits(self, writer: str, number: int, hour: int, counts: Mapping[str, int]) -> None:
        keys = [self._waits(hour), f"{self._prefix}waits-of:{writer}"]
        told = [part for name, count in counts.items() for part in (name, count)]
        self._run("count_waits", keys, [ms(KEPT), ms(REPEATED), number, *told])

    def waits(self, hours: Iterable[int]) -> dict[str, int]:
        with self._pipeline() as pipe:
            for hour in hours:
                pipe.hgetall(self._waits(hour))
            found = pipe.execute()
        total: Counter[str] = Counter()
        for counts in found:
            total.update({name: int(count) for name, count in counts.items()})
        return dict(total)

    def _waits(self, hour: int) -> str:
        return f"{self._prefix}waits:{hour}"
