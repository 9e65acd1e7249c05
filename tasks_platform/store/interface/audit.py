"""What happened to dead letters, for the record; and how far those who are told of it are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tasks_platform.store.records import Record


class Audit(Protocol):
    """What happened to dead letters: the last hundred thousand records, appended to and never changed.

    ``at`` is a timestamp of the store's clock, ``what`` is ``buried``, ``edited``, ``replayed``, ``put back`` (it
    could not be sent), ``recovered`` (the replay succeeded), ``skipped``, ``cancelled``, ``discarded``, ``vouched for``
    or ``purged``, ``by`` says who or which worker; ``id``, ``task``, ``queue``, ``tenant`` and ``fingerprint`` are
    those of the letter. A burial has ``state``, ``attempt``, ``died_at``, ``error``, the beginning of its ``message``,
    and ``line``; a purge has ``why``, ``count`` and ``fingerprints`` with their counts.
    """

    def audit(self, after: str = "", limit: int = 100, *, newest_first: bool = False) -> list[Record]:
        """Return records that come *after* the one of that ``audit_id``."""

    def teller(self, name: str) -> Record:
        """Return what a teller last saved; an empty record if it never did."""

    def save_teller(self, name: str, record: Mapping[str, Any], *, read: Mapping[str, Any]) -> bool:
        """Keep what a teller has to know next time; False if it is no longer what was *read*: another one tells."""
