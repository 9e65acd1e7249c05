"""Replays of many letters, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks_platform.store.memory.letters import Letters
from tasks_platform.store.memory.part import copied
from tasks_platform.store.records import Record


class Replays(Letters):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def create_replay(self, replay_id: str, record: Mapping[str, Any]) -> None:
        self._replays[replay_id] = copied(record)

    def replay(self, replay_id: str) -> Record | None:
        record = self._replays.get(replay_id)
        return None if record is None else {**copied(record), "id": replay_id}

    def replays(self, limit: int = 20) -> list[Record]:
        newest = sorted(self._replays, key=lambda one: (self._replays[one]["created_at"], one), reverse=True)
        return [{**copied(self._replays[replay_id]), "id": replay_id} for replay_id in newest[:limit]]

    def update_replay(self, replay_id: str, changes: Mapping[str, Any]) -> None:
        if replay_id in self._replays:
            self._replays[replay_id].update(copied(changes))

    def add_to_replay(self, replay_id: str, items: Mapping[str, Mapping[str, Any]]) -> None:
        self._items[replay_id] = {**copied(items), **self._items.get(replay_id, {})}

    def replay_items(self, replay_id: str) -> dict[str, Record]:
        return copied(self._items.get(replay_id, {}))

    def set_replay_item(self, replay_id: str, job_id: str, item: Mapping[str, Any]) -> None:
        self._items.setdefault(replay_id, {})[job_id] = copied(item)

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
        with self._lock:
            if claimed := self.mark_replaying(job_id, at, version=version, before=before, by=by):
                self.set_replay_item(replay_id, job_id, item)
                self._replayed[job_id]["replay"] = replay_id
            return claimed

    def replay_ends(self, replay_id: str, job_ids: Sequence[str]) -> list[str]:
        ends = self._replay_ends.get(replay_id, {})
        return [ends.get(job_id, "") for job_id in job_ids]
