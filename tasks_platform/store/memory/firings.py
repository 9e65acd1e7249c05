"""What became of the moments of the schedule, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from tasks_platform.store.memory.part import MemoryPart, copied
from tasks_platform.store.records import Holder, Record


class Firings(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def lead(self, lock: str, ttl: float, *, renew: bool) -> Holder | None:
        with self._lock:
            leader: Holder | None = self._get("leading-beat")
            if leader != lock and (renew or leader is not None):
                return leader
            self._set("leading-beat", lock, ttl)
            return lock

    def abdicate(self, lock: str) -> None:
        with self._lock:
            if self._get("leading-beat") == lock:
                del self._expiring["leading-beat"]

    def show_beat(self, beat: str, record: Record, ttl: float) -> None:
        self._set(f"beat:{beat}", copied(record), ttl)

    def hide_beat(self, beat: str) -> None:
        with self._lock:
            self._expiring.pop(f"beat:{beat}", None)

    def beats(self) -> list[Record]:
        with self._lock:
            told = [self._get(key) for key in sorted(self._expiring) if key.startswith("beat:")]
            return [copied(record) for record in told if record is not None]

    def claim_firing(self, schedule: str, firing: Record, lock: str) -> Literal["fire", "done", "lost"]:
        with self._lock:
            if self._get("leading-beat") != lock:
                return "lost"
            known = self._firings.setdefault(schedule, {})
            if known.get(firing["moment"], {"state": "sending"})["state"] != "sending":
                return "done"
            known[firing["moment"]] = {**copied(firing), "state": "sending"}
            return "fire"

    def record_firings(
        self, schedule: str, firings: Sequence[Record], keep: int, *, lock: str | None = None
    ) -> list[str] | None:
        claimed = []
        with self._lock:
            if lock is not None and self._get("leading-beat") != lock:
                return None
            known = self._firings.setdefault(schedule, {})
            for firing in firings:
                before = known[firing["moment"]]["state"] if firing["moment"] in known else None
                if before == "sending" and firing["state"] == "missed":
                    claimed.append(firing["moment"])
                elif before in {None, "sending"}:
                    known[firing["moment"]] = copied(firing)
                    ends = self._ends.setdefault(schedule, {})
                    ends[firing["state"]] = ends.get(firing["state"], 0) + 1
            for moment in sorted(known, key=datetime.fromisoformat)[: max(0, len(known) - keep)]:
                del known[moment]
        return claimed

    def end_firing(self, schedule: str, moment: str, job_id: str) -> None:
        with self._lock:
            known = self._firings.get(schedule, {})
            if known.get(moment, {}).get("state") == "sending":
                known[moment] |= {"state": "fired", "job_id": job_id}
                ends = self._ends.setdefault(schedule, {})
                ends["fired"] = ends.get("fired", 0) + 1

    def firings(self, schedule: str, limit: int = 100) -> list[Record]:
        with self._lock:
            known = self._firings.get(schedule, {})
            newest = sorted(known, key=datetime.fromisoformat, reverse=True)
            return [copied(known[moment]) for moment in newest[: max(0, limit)]]

    def count_firings(self, schedule: str) -> dict[str, int]:
        with self._lock:
            return dict(self._ends.get(schedule, {}))
