"""Graphs of jobs, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks_platform.store.memory.part import MemoryPart, copied
from tasks_platform.store.records import Record


class Flows(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def create_flow(self, flow_id: str, flow: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> bool:
        with self._lock:
            if flow_id in self._flows:
                return False
            self._flows[flow_id] = {**copied(flow), "steps": copied(steps), "states": {}}
            self._created[flow_id] = float(flow["created_at"])
            return True

    def flow(self, flow_id: str) -> Record | None:
        with self._lock:
            flow = self._flows.get(flow_id)
            return None if flow is None else copied(flow)

    def update_flow(self, flow_id: str, changes: Mapping[str, Any]) -> None:
        with self._lock:
            if flow_id in self._flows:
                self._flows[flow_id].update(copied(changes))

    def mark_step(self, flow_id: str, job_id: str, state: str) -> None:
        with self._lock:
            if flow_id in self._flows:
                self._flows[flow_id]["states"][job_id] = state

    def flows(self) -> list[str]:
        with self._lock:
            newest = sorted(((self._created[flow_id], flow_id) for flow_id in self._flows), reverse=True)
            return [flow_id for _, flow_id in newest]
