"""Graphs of jobs and how far they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tasks_platform.store.records import Record


class Flows(Protocol):
    """Graphs of jobs and how far they are."""

    def create_flow(self, flow_id: str, flow: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> bool:
        """Store a flow and its steps by job id; False if there is one of that id."""

    def flow(self, flow_id: str) -> Record | None:
        """Return what ``create_flow`` stored, with ``steps`` as stored and ``states`` by job id."""

    def update_flow(self, flow_id: str, changes: Mapping[str, Any]) -> None:
        """Change fields of a flow, if there is one of that id."""

    def mark_step(self, flow_id: str, job_id: str, state: str) -> None:
        """Record the state of one step, if there is such a flow."""

    def flows(self) -> list[str]:
        """Return the ids of all flows, the newest first."""
