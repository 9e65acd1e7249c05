"""Drop dead letters that are too old or too many; never without saying so."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tasks_platform.letters.message import Letter, is_awaited, is_parked
from tasks_platform.letters.upgrades import current
from tasks_platform.policies.dead_letters import SCHEMA
from tasks_platform.store import Store, Where

if TYPE_CHECKING:
    from tasks_platform.letters.queue import DeadLetterQueue

log = logging.getLogger(__name__)
#: Letters that one step drops, with one record in the audit.
_STEP: Final = 500


@dataclass(frozen=True, kw_only=True)
class Purged:
    """What a purge dropped, or would drop."""

    by_age: int
    by_count: int
    #: Letters that are too old or too many and were kept: something waits for their jobs.
    kept: int

    @property
    def dropped(self) -> int:
        """How many letters went."""
        return self.by_age + self.by_count


def purge(queue: DeadLetterQueue, *, keep_for: float, keep_most: int, dry_run: bool = False) -> Purged:
    """Drop letters that died *keep_for* seconds ago or earlier, then the oldest of more than *keep_most*; 0: no bound.

    A letter is kept whatever its age while its job is being replayed, while a flow, chain or chord waits for it, for
    that would wait for ever, and when a newer version of the platform wrote it. Only a person discards these.
    """
    queue.list_older()
    dropping = _Dropping(queue, dry_run=dry_run)
    by_age = by_count = 0
    if keep_for:
        where = Where(state="dead", until=time.time() - keep_for)
        by_age = dropping.drop(where, 0, f"older than {keep_for / 86400:g} days")
    if keep_most:
        # in a dry run the old ones are still there, and are the last
        by_count = max(0, dropping.drop(Where(state="dead"), keep_most, f"more than {keep_most}"))
        by_count = max(0, by_count - by_age) if dry_run else by_count
    purged = Purged(by_age=by_age, by_count=by_count, kept=len(dropping.kept))
    if purged.dropped and not dry_run:
        log.warning(
            "%d dead letters were purged: %d were too old, %d too many; %d were kept, for something waits for them",
            purged.dropped,
            by_age,
            by_count,
            purged.kept,
        )
    return purged


class _Dropping:
    """Drops letters page by page, and remembers those that have to stay."""

    def __init__(self, queue: DeadLetterQueue, *, dry_run: bool) -> None:
        self._store: Store = queue.store
        self._retention = queue.settings.job_id_retention.total_seconds()
        self._by = queue.by
        self._dry_run = dry_run
        self.kept: set[str] = set()

    def drop(self, where: Where, offset: int, why: str) -> int:
        """Drop the letters that are meant, without the newest *offset*, and count them."""
        dropped = 0
        while letters := self._store.letters(offset, _STEP, where=where):
            may_go = dict(self._may_go(letters))
            gone = len(may_go)
            if not self._dry_run:
                gone = self._store.purge_letters(may_go, retention=self._retention, by=self._by, why=why)
            dropped += gone
            offset += len(letters) if self._dry_run else len(letters) - gone
        return dropped

    def _may_go(self, letters: list[Letter]) -> Iterator[tuple[str, int]]:
        for letter in map(current, letters):
            if letter["schema"] > SCHEMA or (is_parked(letter) and is_awaited(letter)):
                self.kept.add(letter["id"])
            else:
                yield letter["id"], letter["version"]
