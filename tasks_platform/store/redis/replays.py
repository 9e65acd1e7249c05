"""Replays of many letters, in Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

from tasks_platform.store.records import Record
from tasks_platform.store.redis.part import REPLAY_TTL, RedisPart, moment


class Replays(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def create_replay(self, replay_id: str, record: Mapping[str, Any]) -> None:
        with self._transaction() as pipe:
            pipe.hset(self._replay(replay_id), "record", json.dumps(record)).expire(self._replay(replay_id), REPLAY_TTL)
            pipe.zadd(self._replays, {replay_id: record["created_at"]})
            pipe.zremrangebyscore(self._replays, "-inf", time.time() - 12 * REPLAY_TTL)
            pipe.execute()

    def replay(self, replay_id: str) -> Record | None:
        stored = cast("dict[str, str]", self.client.hgetall(self._replay(replay_id)))
        return _record(replay_id, stored) if "record" in stored else None

    def replays(self, limit: int = 20) -> list[Record]:
        ids = cast("list[str]", self.client.zrevrange(self._replays, 0, limit - 1))
        found = (self.replay(replay_id) for replay_id in ids)
        return [replay for replay in found if replay is not None]

    def update_replay(self, replay_id: str, changes: Mapping[str, Any]) -> None:
        fields = [part for name, value in changes.items() for part in (f"change:{name}", json.dumps(value))]
        if fields:
            self._run("change_replay", [self._replay(replay_id), self._items(replay_id)], [REPLAY_TTL, *fields])

    def add_to_replay(self, replay_id: str, items: Mapping[str, Mapping[str, Any]]) -> None:
        with self._transaction() as pipe:
            for job_id, item in items.items():
                pipe.hsetnx(self._items(replay_id), job_id, json.dumps(item))
            pipe.expire(self._items(replay_id), REPLAY_TTL).execute()

    def replay_items(self, replay_id: str) -> dict[str, Record]:
        items = self.client.hscan_iter(self._items(replay_id), count=1000)
        return {job_id: json.loads(item) for job_id, item in items}

    def set_replay_item(self, replay_id: str, job_id: str, item: Mapping[str, Any]) -> None:
        with self._transaction() as pipe:
            pipe.hset(self._items(replay_id), job_id, json.dumps(item)).expire(self._items(replay_id), REPLAY_TTL)
            pipe.execute()

    def claim_for_replay(  # noqa: PLR0913 - who does what to what
        self,
        replay_id: str,
        job_id: str,
        item: Mapping[str, Any],
        *,
        version: int,
        at: float,
        before: float | None = None,
        by: str = "",
    ) -> bool:
        keys = [self._letter(job_id), self._letters, self._items(replay_id), self._ends_of(replay_id)]
        arguments = [repr(at), job_id, by, version, moment(before), json.dumps(item), REPLAY_TTL]
        return bool(self._run("mark_replaying", keys, arguments))

    def replay_ends(self, replay_id: str, job_ids: Sequence[str]) -> list[str]:
        if not job_ids:
            return []
        return [
            why or "" for why in cast("list[str | None]", self.client.hmget(self._ends_of(replay_id), list(job_ids)))
        ]

    def _items(self, replay_id: str) -> str:
        return f"{self._replay(replay_id)}:items"

    def _ends_of(self, replay_id: str) -> str:
        return f"{self._replay(replay_id)}:ends"

    @property
    def _replays(self) -> str:
        return f"{self._prefix}replays"


def _record(replay_id: str, stored: Mapping[str, str]) -> Record:
    changes = {field[7:]: json.loads(value) for field, value in stored.items() if field.startswith("change:")}
    return {**json.loads(stored["record"]), **changes, "id": replay_id}
