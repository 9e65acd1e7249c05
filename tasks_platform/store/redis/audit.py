"""What happened to dead letters, in Redis: a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from tasks_platform.store.records import Record
from tasks_platform.store.redis.part import RedisPart

#: How fields that are no text are read.
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "attempt": int,
    "count": int,
    "died_at": float,
    "fingerprints": json.loads,
}


class Audit(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def audit(self, after: str = "", limit: int = 100, *, newest_first: bool = False) -> list[Record]:
        key, bound = f"{self._letters}:audit", f"({after}"
        if newest_first:
            found = self.client.xrevrange(key, bound if after else "+", "-", count=limit)
        else:
            found = self.client.xrange(key, bound if after else "-", "+", count=limit)
        return [_record(audit_id, fields) for audit_id, fields in cast("list[tuple[str, dict[str, str]]]", found)]

    def teller(self, name: str) -> Record:
        saved = self.client.get(f"{self._letters}:teller:{name}")
        return cast("Record", json.loads(cast("str", saved))) if saved else {}

    def save_teller(self, name: str, record: Mapping[str, Any], *, read: Mapping[str, Any]) -> bool:
        arguments = [json.dumps(read) if read else "", json.dumps(record)]
        return bool(self._run("save_teller", [f"{self._letters}:teller:{name}"], arguments))


def _record(audit_id: str, fields: Mapping[str, str]) -> Record:
    told = {name: _READ.get(name, str)(value) for name, value in fields.items()}
    return {"audit_id": audit_id, "at": int(audit_id.partition("-")[0]) / 1000, **told}
