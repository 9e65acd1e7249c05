"""What dead letters of one bug have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Group:
    """The dead letters that share a fingerprint: the task, the type of the error, the raising line."""

    fingerprint: str
    #: How many there are now, and how many times a job has died of it.
    letters: int
    deaths: int
    task: str
    error: str
    #: What the newest one says.
    message: str
    #: ``module:line in function``; empty where it is not known.
    line: str
    #: Timestamps of the first and the last death, also of jobs whose letters are gone.
    first_seen: float
    last_seen: float
    #: How many letters of each tenant and of each queue there are now.
    tenants: Mapping[str, int]
    queues: Mapping[str, int]


def group_from(record: Mapping[str, Any]) -> Group:
    """Read a group as the store tells it."""
    fields = {name: value for name, value in record.items() if name not in {"tenant", "queue"}}
    return Group(**fields, tenants=record["tenant"], queues=record["queue"])
