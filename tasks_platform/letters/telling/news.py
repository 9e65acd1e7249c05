"""What is told of a bug, and when: decided from the audit alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from tasks_platform.store import Record

#: Tenants and queues that are named.
_MOST: Final = 5


@dataclass(frozen=True, kw_only=True)
class News:
    """Burials of one bug that have not been told of yet."""

    fingerprint: str
    task: str
    error: str
    message: str
    line: str
    #: The newest of the letters.
    letter: str
    #: How many were buried since it was last told.
    count: int
    #: When the first and the last of these were buried, as timestamps.
    first: float
    last: float
    #: Some of the tenants and queues they are of.
    tenants: tuple[str, ...]
    queues: tuple[str, ...]
    #: The last record of the audit that is part of it: the same news, told again, is known by it.
    audit_id: str
    #: When the bug was told of before, as a timestamp; 0: it never was.
    told_at: float = 0.0

    @property
    def words(self) -> str:
        """What happened, in a sentence."""
        count = "a dead letter" if self.count == 1 else f"{self.count} dead letters"
        return f"{count} of {self.task}: {self.error.rpartition('.')[2]}: {self.message}"


def with_burials(known: Mapping[str, News], records: Iterable[Record]) -> dict[str, News]:
    """Add what the audit tells to what is known of each bug."""
    found = dict(known)
    for record in records:
        if record["what"] == "buried":
            fingerprint = record["fingerprint"]
            found[fingerprint] = _with_burial(found.get(fingerprint), record)
    return found


def due(known: Mapping[str, News], *, now: float, period: float) -> list[News]:
    """Return what is to be told now, the bug that struck first first."""
    untold = (news for news in known.values() if news.count and now - news.told_at >= period)
    return sorted(untold, key=lambda news: (news.first, news.fingerprint))


def told(known: Mapping[str, News], news: News, *, now: float, period: float) -> dict[str, News]:
    """Return what is known once *news* has been told; a bug of which nothing was heard for a period is new again."""
    nothing = replace(news, count=0, tenants=(), queues=(), told_at=now)
    return {
        fingerprint: one
        for fingerprint, one in {**known, news.fingerprint: nothing}.items()
        if one.count or now - one.told_at < period
    }


def record_of(known: Mapping[str, News]) -> list[Record]:
    """Return what is known, as JSON can carry it."""
    return [asdict(news) for news in known.values()]


def known_from(records: Iterable[Mapping[str, Any]]) -> dict[str, News]:
    """Read what ``record_of`` wrote."""
    read = (
        News(**{**record, "tenants": tuple(record["tenants"]), "queues": tuple(record["queues"])}) for record in records
    )
    return {news.fingerprint: news for news in read}


def _with_burial(before: News | None, record: Record) -> News:
    untold = before if before is not None and before.count else None
    return News(
        fingerprint=record["fingerprint"],
        task=record["task"],
        error=record["error"],
        message=record["message"],
        line=record["line"],
        letter=record["id"],
        count=untold.count + 1 if untold else 1,
        first=untold.first if untold else record["died_at"],
        last=record["died_at"],
        tenants=_with(untold.tenants if untold else (), record["tenant"]),
        queues=_with(untold.queues if untold else (), record["queue"]),
        audit_id=record["audit_id"],
        told_at=before.told_at if before else 0.0,
    )


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if not name or name in names or len(names) >= _MOST else (*names, name)
