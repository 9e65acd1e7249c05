"""The scheduler of ``celery -A tasks_platform beat``: RedBeat's table, fired by one of any number of beats."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final, cast

from redbeat.schedulers import RedBeatScheduler  # type: ignore[import-untyped]

from tasks_platform.schedules.beats import Identity
from tasks_platform.schedules.install import install
from tasks_platform.schedules.leadership import Leadership
from tasks_platform.schedules.row import Row, open_table
from tasks_platform.schedules.settle import NotLeadingError, Settling
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
    3. What came due while no beat led, or while nothing could be sent, is fired or recorded as missed, as the entry's
       misfire rule says. A moment that was recorded as missed is not sent any more, not even by a beat that was
       frozen and does not know that it leads no longer.
    """

    def __init__(self, app: Any, lazy: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002 - Celery's own
        open_table(app)
        super().__init__(app, lazy=lazy, **options)
        self.lock_key = None  # RedBeat's own lock: taken once, at the start, and for a quarter of an hour
        self._settings = app.settings.schedules
        self._entries = {} if lazy else entries_of(app)[0]
        leases = RedisStore(app.redis_url)
        leases.client = connect(app.redis_url, patience=0, timeout=2.0)
        self._leadership = Leadership(leases, Identity(), self._settings.lease.total_seconds())
        self._settling = Settling(app=app, store=app.store, leadership=self._leadership, history=self._settings.history)
        self._installed_in = 0
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
            pause = self._look() if self._leadership.held else _STANDING_BY
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

    def _look(self) -> float:
        due, pause, complete = self._read_table()
        if self._installed_in != self._leadership.term or not complete:
            install(self.app, self._entries, self._remembered, self._settle)
            self._installed_in = self._leadership.term
            return 0.0
        troubles: list[Exception] = []
        for key in due:
            try:
                if (row := self._row(key)) is not None:
                    self._settle(row)
            except NotLeadingError:
                raise
            except Exception as trouble:  # noqa: BLE001 - one entry does not hold up the others
                troubles.append(trouble)
        if troubles:
            raise troubles[0]
        return pause

    def _row(self, key: str) -> Row | None:
        """Return the row of *key*; where only its place in the table is left, that is dropped."""
        try:
            return cast("Row", Row.from_key(key, app=self.app))
        except KeyError:
            log.warning("beat: the row %s is lost, and is written again if it is declared", key)
            self.app.redbeat_redis.zrem(self.app.redbeat_conf.schedule_key, key)
            return None

    def _settle(self, row: Row) -> None:
        self._settling.settle(row)
        self._remembered[row.name] = row.last_run_at

    def _read_table(self) -> tuple[list[str], float, bool]:
        """Return the keys of what is due, the seconds until the next is, and whether all that is declared is there."""
        now = datetime.now(UTC).timestamp()
        table = self.app.redbeat_conf.schedule_key
        keys = [Row.generate_key(self.app, name) for name in self._entries]
        with self.app.redbeat_redis.pipeline(transaction=False) as pipe:
            pipe.zrangebyscore(table, 0, now)
            pipe.zrangebyscore(table, f"({now}", "+inf", start=0, num=1, withscores=True)
            if keys:
                pipe.zmscore(table, keys)
            due, coming, *scores = pipe.execute()
        pause = min([self.max_interval, *(score - now for _, score in coming)])
        return due, 0.0 if due else pause, None not in (scores[0] if scores else ())
