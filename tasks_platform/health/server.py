"""Whether the Redis server answers, and keeps what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks_platform.health.finding import Finding


def persistence(info: Mapping[str, Any]) -> Finding:
    """Decide by the answer to ``INFO`` (sections ``persistence`` and ``memory``)."""
    figures = {
        "appendonly": bool(info.get("aof_enabled")),
        "maxmemory": info.get("maxmemory", 0),
        "maxmemory_policy": info.get("maxmemory_policy", "unknown"),
    }
    if problem := _problem(info):
        return Finding(healthy=False, message=problem, figures=figures)
    return Finding(healthy=True, message="answers, keeps what it is given and evicts nothing", figures=figures)


def _problem(info: Mapping[str, Any]) -> str | None:
    if not info.get("aof_enabled"):
        return "keeps nothing between two snapshots, if any: set 'appendonly yes', or a restart loses jobs"
    if info.get("aof_last_write_status", "ok") != "ok":
        return "cannot write its append-only file: see its disk and its log"
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory") and policy != "noeviction":
        return f"may evict jobs when its memory is full: set 'maxmemory-policy noeviction' instead of {policy}"
    return None
