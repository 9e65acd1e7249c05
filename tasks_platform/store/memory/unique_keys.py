"""Which job holds a unique key, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks_platform.store.memory.part import copied
from tasks_platform.store.memory.runs import Runs
from tasks_platform.store.records import NOBODY, Holder, Record


class UniqueKeys(Runs):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def acquire(self, key: str, owner: str, ttl: float) -> Holder:
        with self._lock:
            if (holder := self._get(f"unique:{key}")) is None:
                self._set(f"unique:{key}", owner, ttl)
                return owner
            return str(holder)

    def condition(self, job_id: str, **_: Any) -> None:
        """Return nothing: no broker has its messages in here."""

    def extend(self, key: str, owner: str, ttl: float) -> None:
        with self._lock:
            if self._get(f"unique:{key}") == owner:
                self._set(f"unique:{key}", owner, ttl)

    def holder(self, key: str) -> Holder | None:
        holder = self._get(f"unique:{key}")
        return None if holder is None else str(holder)

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
        with self._lock:
            followers = self._followers.setdefault(key, {})
            if (holder := self.acquire(key, job_id, ttl)) == job_id:
                followers.pop(job_id, None)
                if extend:
                    self._set(f"unique:{key}", job_id, ttl)
            elif (outcome := self._get(f"outcome:{key}")) is not None:
                return holder, copied(outcome)
            else:
                followers[job_id] = copied(message, default=str)
                if claim is not None:
                    self.withdraw(job_id, *claim)
            return holder, None

    def settle(self, key: str, owner: str, outcome: Mapping[str, Any]) -> None:
        with self._lock:
            if self._get(f"unique:{key}") == owner:
                until, _ = self._expiring[f"unique:{key}"]
                self._expiring[f"outcome:{key}"] = (until, copied(outcome))

    def release(
        self, key: str, owner: str, delivered: Mapping[str, Record] = NOBODY, *, keep: bool = False
    ) -> dict[str, Record]:
        with self._lock:
            if self._get(f"unique:{key}") not in {None, owner}:
                return {}
            followers = self._followers.get(key, {})
            for job_id, message in delivered.items():
                if followers.get(job_id) == message:
                    del followers[job_id]
            if not followers and not keep:
                self._expiring.pop(f"unique:{key}", None)
                self._expiring.pop(f"outcome:{key}", None)
            return copied(followers)
