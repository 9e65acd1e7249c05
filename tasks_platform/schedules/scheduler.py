"""The scheduler of ``celery -A tasks_platform beat``: RedBeat's table, fired by one of any number of beats."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final

from redbeat.schedulers import RedBeatScheduler  # type: ignore[import-untyped]

from tasks_platform.schedules.beats import Identity
from tasks_platform.schedules.install import install
from tasks_platform.schedules.leadership import Leadership, NotLeadingError
from tasks_platform.schedules.row import open_table
from tasks_platform.schedules.rows import Rows
from tasks_platform.schedules.settle import Settling
from tasks_platform.schedules.table import entries_of
from tasks_platform.store import RedisStore
from tasks_platform.store.redis import connect
from tasks_platform.task.insist import TROUBLE

log = logging.getLogger(__name__)
#: Seconds until a beat that stands by looks whether it leads.
_STANDING_BY: Final = 0.2
#: Seconds until the next try while the server or the broker is in trouble.
_TROUBLED: Final = 0.5


class PlatformScheduler(RedBeatScheduler):  # type: ignore[misc]
    """RedBeat's scheduler, which neither a lost lock nor a restart of Redis ends, and which fires no moment twice.

    1. Of any number of beats one leads (``Leadership``); it brings the table up to what is declared.
    2. A moment that has come is claimed, then its job is sent, then it is recorded as fired; only then the entry goes
       on. A beat that dies in between leaves a claim: the next one sends the same moment again, under the same job id,
       and of two copies of a job one is run.
    3. What is sent is what the task modules declare; RedBeat's table says up to which moment that was done.
    4. What came due while no beat led, or while nothing could be sent, is fired or recorded as missed, as the entry's
       misfire rule says. A moment that was recorded as missed is not sent any more, not even by a beat that was
       frozen and does not know that it leads no longer.
    """

    def __init__(self, app: Any, lazy: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002 - Celery's own
        open_table(app)
        super().__init__(app, lazy=lazy, **options)
        self.lock_key = None  # RedBeat's own lock: taken once, at the start, and for a quarter of an hour
        self._settings = app.settings.schedules
        self._entries, self._off = ({}, {}) if lazy else entries_of(app)
        leases = RedisStore(app.redis_url)
        leases.client = connect(app.redis_url, patience=0, timeout=2.0)
        self._leadership = Leadership(leases, Identity(), self._settings.lease.total_seconds())
        self._rows = Rows(app)
        self._installed_in = ""
        self._troubled = False
        self._remembered: dict[str, datetime] = {}

    def setup_schedule(self) -> None:
        """Leave the table to the beat that leads."""

    @property
    def info(self) -> str:
        """What is printed at the start."""
        return f"    . lease -> {self._settings.lease.total_seconds():g} s"

    def tick(self, *_: Any, **__: Any) -> float:
        """Fire what has come due, if this beat leads, and return the seconds until it should look again."""
        self._leadership.start()
        try:
            lock = self._leadership.lock
            pause = _STANDING_BY if lock is None else self._look(lock)
        except NotLeadingError:
            self._leadership.step_down()
            return _STANDING_BY
        except TROUBLE as trouble:
            # said once: a server that is away for a while is no news every half a second
            log.log(logging.DEBUG if self._troubled else logging.WARNING, "beat: tried again and again: %r", trouble)
            self._troubled = True
            return _TROUBLED
        except Exception:
            log.exception("beat: tried again in %.1f s", self.max_interval)
            return float(self.max_interval)
        if self._troubled:
            log.warning("beat: goes on")
        self._troubled = False
        self._leadership.ticked_at = datetime.now(UTC)
        return pause

    def close(self) -> None:
        """Let another beat lead."""
        self._leadership.end()
        super().close()

    def _look(self, lock: str) -> float:
        settling = self._settling(lock)
        now = datetime.now(UTC).timestamp()
        scores = self._rows.scores(list(self._entries))
        if self._installed_in != lock or None in scores.values():
            install(settling, self._entries, self._off, self._remembered)
            self._installed_in = lock
            return 0.0
        coming = {name: score for name, score in scores.items() if score is not None and score >= 0}
        troubles: list[Exception] = []
        for name in (name for name, score in coming.items() if score <= now):
            try:
                self._settle(settling, name)
            except NotLeadingError:
                raise
            except Exception as trouble:  # noqa: BLE001 - one entry does not hold up the others
                troubles.append(trouble)
        if troubles:
            raise troubles[0]
        return max(0.0, min([float(self.max_interval), *(score - now for score in coming.values())]))

    def _settling(self, lock: str) -> Settling:
        return Settling(
            app=self.app,
            store=self.app.store,
            rows=self._rows,
            leadership=self._leadership,
            lock=lock,
            history=self._settings.history,
        )

    def _settle(self, settling: Settling, name: str) -> None:
        if (last := self._rows.last(name)) is not None:
            self._remembered[name] = settling.settle(self._entries[name], last)
            return
        log.warning("beat: the row of the schedule %s is lost, and is written again", name)
        self._installed_in = ""
