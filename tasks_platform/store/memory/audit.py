"""What happened to dead letters, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks_platform.store.letter_facts import facts_of
from tasks_platform.store.memory.part import MemoryPart, copied
from tasks_platform.store.records import Record


class Audit(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def audit(self, after: str = "", limit: int = 100, *, newest_first: bool = False) -> list[Record]:
        with self._lock:
            records = self._audited[::-1] if newest_first else self._audited
            ids = [record["audit_id"] for record in records]
            start = ids.index(after) + 1 if after in ids else 0
            return [copied(record) for record in records[start : start + limit]]

    def teller(self, name: str) -> Record:
        return copied(self._tellers.get(name, {}))

    def save_teller(self, name: str, record: Mapping[str, Any], *, read: Mapping[str, Any]) -> bool:
        with self._lock:
            if self.teller(name) not in (copied(read), copied(record)):
                return False
            self._tellers[name] = copied(record)
            return True

    def _audit(self, what: str, **fields: Any) -> None:
        audit_id = f"{round(self._clock() * 1000)}-{len(self._audited)}"
        self._audited.append({"audit_id": audit_id, "at": round(self._clock(), 3), "what": what, **fields})

    def _audit_letter(self, what: str, job_id: str, by: str, **fields: Any) -> None:
        facts = facts_of(self._letters[job_id])
        known = {name: facts[name] for name in ("task", "queue", "tenant", "fingerprint")}
        self._audit(what, id=job_id, by=by, **known, **fields)
