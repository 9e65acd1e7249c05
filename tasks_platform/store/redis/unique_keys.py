"""Which job holds a unique key, in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from tasks_platform.store.records import NOBODY, Condition, Holder, Record
from tasks_platform.store.redis.part import RedisPart, ms, part_of_scripts


class UniqueKeys(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def acquire(self, key: str, owner: str, ttl: float) -> Holder:
        return str(self._run("acquire", [self._unique(key)], [owner, ms(ttl)]))

    def condition(
        self, job_id: str, *, token: str = "", id_ttl: float = 0.0, key: str | None = None, key_ttl: float = 0.0
    ) -> Condition:
        keys = [self._id(job_id), self._letter(job_id), self._job(job_id), self._unique(key or "")]
        arguments = [job_id, token, ms(id_ttl), 0 if key is None else ms(key_ttl)]
        return Condition(part_of_scripts("condition"), keys, arguments)

    def extend(self, key: str, owner: str, ttl: float) -> None:
        self._run("extend", [self._unique(key)], [owner, ms(ttl)])

    def holder(self, key: str) -> Holder | None:
        return cast("str | None", self.client.get(self._unique(key)))

    def follow(  # noqa: PLR0913 - the key, who follows, and how
        self,
        key: str,
        job_id: str,
        message: Mapping[str, Any],
        ttl: float,
        *,
        extend: bool = True,
        claim: tuple[int, str] | None = None,
    ) -> tuple[Holder, Record | None]:
        keys = [self._unique(key), self._followers(key), self._outcome(key), self._job(job_id)]
        arguments = [job_id, json.dumps(message, default=str), ms(ttl), int(extend), *(claim or (0, ""))]
        holder, outcome = self._run("follow", keys, arguments)
        return str(holder), json.loads(outcome) if outcome else None

    def settle(self, key: str, owner: str, outcome: Mapping[str, Any]) -> None:
        self._run("settle", [self._unique(key), self._outcome(key)], [owner, json.dumps(outcome)])

    def release(
        self, key: str, owner: str, delivered: Mapping[str, Record] = NOBODY, *, keep: bool = False
    ) -> dict[str, Record]:
        keys = [self._unique(key), self._followers(key), self._outcome(key)]
        told = [part for job_id, message in delivered.items() for part in (job_id, json.dumps(message))]
        left = self._run("release", keys, [owner, int(keep), *told])
        return {job_id: json.loads(message) for job_id, message in zip(left[::2], left[1::2], strict=True)}
