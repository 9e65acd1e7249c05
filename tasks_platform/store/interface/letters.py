"""The dead letters. A record has the keys that ``tasks_platform.policies.dead_letters`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tasks_platform.store.records import Record


class Letters(Protocol):
    """The dead letters. A record has the keys that ``tasks_platform.policies.dead_letters`` writes."""

    def letter(self, job_id: str) -> Record | None:
        """Return one letter."""

    def letters(self, offset: int = 0, limit: int = 100) -> list[Record]:
        """Return letters, the newest first."""

    def count_letters(self) -> int:
        """Count all letters."""

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int) -> bool:
        """Replace the message of a letter whose version is still *version*."""

    def mark_replaying(self, job_id: str, at: float) -> Record | None:
        """Record that *job_id* is being sent again, and return its letter."""
