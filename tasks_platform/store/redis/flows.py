"""Graphs of jobs, in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from tasks_platform.store.records import Record
from tasks_platform.store.redis.part import RedisPart


class Flows(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def create_flow(self, flow_id: str, flow: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> bool:
        with self._transaction() as pipe:
            pipe.hsetnx(self._flow(flow_id), "flow", json.dumps({**flow, "steps": steps}))
            pipe.zadd(self._flows, {flow_id: float(flow["created_at"])}, nx=True)
            created, _ = pipe.execute()
        return bool(created)

    def flow(self, flow_id: str) -> Record | None:
        with self._transaction() as pipe:
            stored, states = pipe.hgetall(self._flow(flow_id)).hgetall(f"{self._flow(flow_id)}:states").execute()
        if "flow" not in stored:
            return None
        changes = {field[7:]: json.loads(value) for field, value in stored.items() if field.startswith("change:")}
        return {**json.loads(stored["flow"]), **changes, "states": states}

    def update_flow(self, flow_id: str, changes: Mapping[str, Any]) -> None:
        fields = [part for field, value in changes.items() for part in (f"change:{field}", json.dumps(value))]
        if fields:
            self._run("change_flow", [self._flow(flow_id)] * 2, fields)

    def mark_step(self, flow_id: str, job_id: str, state: str) -> None:
        self._run("change_flow", [self._flow(flow_id), f"{self._flow(flow_id)}:states"], [job_id, state])

    def flows(self) -> list[str]:
        return cast("list[str]", self.client.zrevrange(self._flows, 0, -1))
