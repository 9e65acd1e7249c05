"""Which job holds a unique key, and which ones follow it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tasks_platform.store.records import NOBODY, Condition, Holder, Record


class UniqueKeys(Protocol):
    """Which job holds a unique key, and which ones follow it."""

    def acquire(self, key: str, owner: str, ttl: float) -> Holder:
        """Take *key* for *owner* for *ttl* seconds if it is free, and tell who holds it now."""

    def condition(
        self, job_id: str, *, token: str = "", id_ttl: float = 0.0, key: str | None = None, key_ttl: float = 0.0
    ) -> Condition | None:
        """Return what *job_id* takes in the step that pushes its message; None if this store cannot say it so.

        With a *token*, its sender's, that is the id itself, for *id_ttl* seconds: see ``reserve``. With a *key* that is
        the key, for *key_ttl* seconds: see ``acquire``.
        """

    def extend(self, key: str, owner: str, ttl: float) -> None:
        """Keep *key* for *ttl* seconds from now, if it is (still) *owner*'s."""

    def holder(self, key: str) -> Holder | None:
        """Tell who holds *key*."""

    def follow(  # noqa: PLR0913 - the key, who follows, and how
        self,
        key: str,
        job_id: str,
        message: Mapping[str, Any],
        ttl: float,
        *,
        extend: bool = True,
        claim: tuple[int, str] | None = None,
    ) -> tuple[Holder, Record | None]:
        """Keep *message* until the holder of *key* ends; if the key is free, take it for *job_id* instead.

        A key that is the job's already is kept for *ttl* seconds from now, unless not to *extend* it. A follower
        gives back its *claim* (attempt and copy, see ``begin``): the same attempt will come again as another copy.
        Answer with the holder, and with its outcome if it ended already and keeps the key (``settle``).
        """

    def settle(self, key: str, owner: str, outcome: Mapping[str, Any]) -> None:
        """Remember how *owner* ended, for those who come while it keeps *key*."""

    def release(
        self, key: str, owner: str, delivered: Mapping[str, Record] = NOBODY, *, keep: bool = False
    ) -> dict[str, Record]:
        """Forget the followers in *delivered*; if none is left, free *key* unless *keep*, else answer with them.

        Followers are messages by job id. One that came back with another message is answered with again.
        A key of another job is left alone, and the answer is empty. One that expired counts as the caller's.
        """
