"""The beats that are alive: one leads and fires the schedule, the others stand by."""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tasks_platform.schedules.entry import iso
from tasks_platform.store import Record, Store


@dataclass(frozen=True, kw_only=True)
class Beat:
    """What a living beat tells of itself."""

    #: ``beat@host:pid``.
    name: str
    host: str
    pid: int
    #: Whether it fires the schedule; the others stand by.
    leads: bool
    #: Since when it leads, or stands by.
    since: datetime
    #: When it looked at the schedule last; None if it has not yet.
    ticked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a beat is."""

    host: str = field(default_factory=platform.node)
    pid: int = field(default_factory=os.getpid)
    #: Tells it from one that had its process id before.
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def name(self) -> str:
        """What people call it."""
        return f"beat@{self.host}:{self.pid}"

    @property
    def key(self) -> str:
        """What the lock knows it by."""
        return f"{self.name}:{self.token}"

    def tell(self, *, leads: bool, since: datetime, ticked_at: datetime | None) -> Record:
        """Return what it tells of itself."""
        return {
            "name": self.name,
            "host": self.host,
            "pid": self.pid,
            "leads": leads,
            "since": iso(since),
            "ticked_at": iso(ticked_at) if ticked_at else None,
        }


def beats(store: Store) -> list[Beat]:
    """Return the beats that are alive, the leader first: one that died is gone after three leases at most."""
    found = [
        Beat(
            name=record["name"],
            host=record["host"],
            pid=record["pid"],
            leads=record["leads"],
            since=datetime.fromisoformat(record["since"]).astimezone(UTC),
            ticked_at=datetime.fromisoformat(record["ticked_at"]).astimezone(UTC) if record["ticked_at"] else None,
        )
        for record in store.beats()
    ]
    return sorted(found, key=lambda beat: (not beat.leads, beat.name))
