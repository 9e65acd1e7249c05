"""The dead letters. A record has the keys that ``tasks_platform.policies.dead_letters`` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tasks_platform.store.records import Record
from tasks_platform.store.where import EVERYTHING, Place, Where


class Letters(Protocol):
    """The dead letters. A record has the keys that ``tasks_platform.policies.dead_letters`` writes.

    And its ``version``, its ``attempts``; ``replayed_at`` while it is being sent again, else None; ``begun``, the last
    attempt that a worker began as a replay, and ``put_back``, the last one that was put back; 0 if there is none.

    Whatever changes a letter appends what happened to the audit in the same step, and *by* whom.
    """

    def letter(self, job_id: str) -> Record | None:
        """Return one letter."""

    def letters(
        self, offset: int = 0, limit: int = 100, *, where: Where = EVERYTHING, after: Place | None = None
    ) -> list[Record]:
        """Return letters, the newest first: those that come *after* a place, without the first *offset* of them."""

    def count_letters(self) -> int:
        """Count all letters."""

    def letter_ids(self, beginning: str) -> list[str]:
        """Return the ids of letters that begin so, the newest first."""

    def letter_groups(self) -> list[Record]:
        """Return what letters of one fingerprint have in common, the group that was seen last first.

        ``fingerprint``, how many ``letters`` there are, how many ``deaths`` there were, ``task``, ``error``,
        ``message``, ``line``, ``first_seen`` and ``last_seen`` (also of letters that are gone), and how many letters
        of each ``tenant`` and each ``queue`` there are.
        """

    def letter_states(self, job_ids: Sequence[str]) -> list[Record | None]:
        """Return ``state``, ``version`` and ``fingerprint`` of each letter; None for one that is gone."""

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int, *, by: str = "") -> bool:
        """Replace the message of a letter whose version is still *version*, and that is not being sent again."""

    def mark_replaying(
        self, job_id: str, at: float, *, version: int, before: float | None = None, by: str = ""
    ) -> bool:
        """Record that a letter is being sent again, if it is still what was read; *at* names this try.

        That is its *version*, and its ``replayed_at`` *before*.
        """

    def put_back(self, job_id: str, at: float, attempt: int, *, by: str = "") -> bool:
        """Record that a letter could not be sent in the try *at*, unless a worker has begun that attempt.

        It is dead or parked again. Should a copy be on its way all the same, it is not run.
        """

    def purge_letters(self, versions: Mapping[str, int], *, retention: float, by: str = "", why: str = "") -> int:
        """Drop letters that are dead and of the version given, and count them.

        Their ids, where they were of the caller's choice, stay taken for *retention* seconds.
        """

    def unlisted_letters(self) -> list[Record]:
        """Return some of the letters that were written by a version of the platform that could not find them."""

    def list_letter(self, letter: Mapping[str, Any]) -> None:
        """Let a letter that is not listed be found, by the record given."""
