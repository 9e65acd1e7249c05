"""What became of the moments of the schedule, in Redis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, cast

from tasks_platform.store.records import Holder, Record
from tasks_platform.store.redis.part import RedisPart, ms

#: How long a schedule that is not fired any more is remembered, in seconds.
_REMEMBERED: Final = 400 * 86400


class Firings(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def lead(self, lock: str, ttl: float, *, renew: bool) -> Holder | None:
        return cast("Holder | None", self._run("lead", [self.leader], [lock, ms(ttl), int(renew)]))

    def abdicate(self, lock: str) -> None:
        self._run("abdicate", [self.leader], [lock])

    def show_beat(self, beat: str, record: Record, ttl: float) -> None:
        with self._transaction() as pipe:
            pipe.set(self._beat(beat), json.dumps(record), px=ms(ttl)).sadd(self._beats, beat).execute()

    def hide_beat(self, beat: str) -> None:
        with self._transaction() as pipe:
            pipe.delete(self._beat(beat)).srem(self._beats, beat).execute()

    def beats(self) -> list[Record]:
        names = sorted(cast("set[str]", self.client.smembers(self._beats)))
        if not names:
            return []
        told = cast("list[str | None]", self.client.mget([self._beat(name) for name in names]))
        if gone := [name for name, record in zip(names, told, strict=True) if record is None]:
            self.client.srem(self._beats, *gone)  # one that is only slow adds itself again
        return [json.loads(record) for record in told if record is not None]

    def claim_firing(self, schedule: str, firing: Record, lock: str) -> Literal["fire", "done", "lost"]:
        answer: Literal["fire", "done", "lost"] = self._run(
            "claim_firing",
            [self._firings(schedule), self._moments(schedule), self.leader],
            [lock, firing["moment"], _time(firing), json.dumps({**firing, "state": "sending"}), _REMEMBERED],
        )
        return answer

    def record_firings(
        self, schedule: str, firings: Sequence[Record], keep: int, *, lock: str | None = None
    ) -> list[str] | None:
        arguments: list[Any] = [lock or "", keep, _REMEMBERED]
        for firing in firings:
            arguments += [firing["moment"], _time(firing), firing["state"], json.dumps(firing)]
        keys = [self._firings(schedule), self._moments(schedule), self._counts(schedule), self.leader]
        return cast("list[str] | None", self._run("record_firings", keys, arguments))

    def end_firing(self, schedule: str, moment: str, job_id: str) -> None:
        self._run("end_firing", [self._firings(schedule), self._counts(schedule)], [moment, job_id])

    def firings(self, schedule: str, limit: int = 100) -> list[Record]:
        if limit < 1:
            return []  # to Redis, -1 is the last
        moments = cast("list[str]", self.client.zrevrange(self._moments(schedule), 0, limit - 1))
        if not moments:
            return []
        found = cast("list[str | None]", self.client.hmget(self._firings(schedule), moments))
        return [json.loads(record.partition(" ")[2]) for record in found if record is not None]

    def count_firings(self, schedule: str) -> dict[str, int]:
        counts = cast("dict[str, str]", self.client.hgetall(self._counts(schedule)))
        return {state: int(number) for state, number in counts.items()}

    @property
    def leader(self) -> str:
        """The key that holds the lock that leads."""
        return f"{self._prefix}leading-beat"

    @property
    def _beats(self) -> str:
        return f"{self._prefix}beats"

    def _beat(self, beat: str) -> str:
        return f"{self._prefix}beat:{beat}"

    def _firings(self, schedule: str) -> str:
        return f"{self._prefix}firings:{schedule}"

    def _moments(self, schedule: str) -> str:
        return f"{self._prefix}firing-moments:{schedule}"

    def _counts(self, schedule: str) -> str:
        return f"{self._prefix}firing-counts:{schedule}"


def _time(firing: Record) -> float:
    return datetime.fromisoformat(firing["moment"]).timestamp()
