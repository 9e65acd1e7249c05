"""Replays of many letters: which ones, and how far each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tasks_platform.store.records import Record


class Replays(Protocol):
    """Replays of many letters: which ones, and how far each is. They are kept for a month after their last change."""

    def create_replay(self, replay_id: str, record: Mapping[str, Any]) -> None:
        """Keep a new replay; a record has the time it was ``created_at``."""

    def replay(self, replay_id: str) -> Record | None:
        """Return one replay, with its ``id``."""

    def replays(self, limit: int = 20) -> list[Record]:
        """Return replays, the newest first."""

    def update_replay(self, replay_id: str, changes: Mapping[str, Any]) -> None:
        """Change fields of a replay, if there is one of that id."""

    def add_to_replay(self, replay_id: str, items: Mapping[str, Mapping[str, Any]]) -> None:
        """Write down an item for each job id that has none."""

    def replay_items(self, replay_id: str) -> dict[str, Record]:
        """Return all items by job id."""

    def set_replay_item(self, replay_id: str, job_id: str, item: Mapping[str, Any]) -> None:
        """Replace an item."""

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
        """Do what ``mark_replaying`` does, and replace the item in the same step."""

    def replay_ends(self, replay_id: str, job_ids: Sequence[str]) -> list[str]:
        """Return why each letter went that was last claimed for this replay; empty where it did not, or was not."""
