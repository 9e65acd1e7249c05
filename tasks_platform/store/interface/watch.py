"""What people look at while a job runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tasks_platform.store.records import Record


class Watch(Protocol):
    """What people look at while a job runs."""

    def report(self, job_id: str, progress: Mapping[str, Any], ttl: float) -> None:
        """Remember how far a job is."""

    def progress(self, job_id: str) -> Record | None:
        """Tell how far a job is."""

    def first_seen(self, what: str, now: float, ttl: float) -> float:
        """Return when *what* was first asked for; the first time that is *now*."""
