"""Which ids of a caller's choice are taken, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from tasks_platform.store.interface.job_ids import Reservation
from tasks_platform.store.memory.part import KNOWN, MemoryPart


class JobIds(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def reserve(self, job_id: str, token: str, ttl: float) -> Reservation:
        with self._lock:
            current = self._get(f"id:{job_id}")
            if current is None:
                if job_id in self._letters:
                    return "taken"
                self._jobs.pop(job_id, None)
            elif isinstance(current, str):
                return "taken"
            elif current["token"] != token and current["lapses"] > self._clock():
                return "reserved"
            self._set(f"id:{job_id}", {"token": token, "lapses": self._clock() + ttl}, KNOWN)
            return "free"

    def reserve_all(self, senders: Sequence[tuple[str, str]], ttl: float) -> list[Reservation]:
        return [self.reserve(job_id, token, ttl) for job_id, token in senders]

    def confirm(self, job_id: str, ttl: float) -> None:
        with self._lock:
            if self._get(f"id:{job_id}") != "ended":
                self._set(f"id:{job_id}", "sent", ttl)

    def unreserve(self, job_id: str, token: str) -> None:
        with self._lock:
            current = self._get(f"id:{job_id}")
            if isinstance(current, dict) and current["token"] == token:
                del self._expiring[f"id:{job_id}"]

    def retire(self, job_id: str, ttl: float) -> None:
        self._set(f"id:{job_id}", "ended", ttl)
