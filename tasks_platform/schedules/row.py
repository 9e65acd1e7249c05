"""An entry as it stands in RedBeat's table, where others can see it; a beat takes from there what was dealt with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from celery.schedules import BaseSchedule, schedstate
from redbeat.schedulers import RedBeatSchedulerEntry, ensure_conf  # type: ignore[import-untyped]
from redis import Redis

from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.misfire import Misfire
from tasks_platform.schedules.when import When, when_of
from tasks_platform.store.redis import connect

if TYPE_CHECKING:
    from celery import Celery


def open_table(app: Any) -> Redis:
    """Return the connection on which RedBeat works for *app*, one that outlives a restart of the server."""
    if getattr(app, "redbeat_redis", None) is None:
        app.redbeat_redis = connect(app.redis_url, patience=3)
    ensure_conf(app)
    return cast("Redis", app.redbeat_redis)


class CelerySchedule(BaseSchedule):
    """When an entry comes due, as Celery asks for it."""

    def __init__(self, when: When, app: Celery | None = None) -> None:
        super().__init__(app=app)
        self.when = when

    def remaining_estimate(self, last_run_at: datetime) -> timedelta | None:  # type: ignore[override]
        """Return how long it is until the moment that follows *last_run_at*; None if none does."""
        coming = next(self.when.after(last_run_at), None)
        return None if coming is None else coming - datetime.now(UTC)

    def is_due(self, last_run_at: datetime) -> Any:
        """Tell whether the moment that follows *last_run_at* has come, and when to ask again."""
        remaining = self.remaining_estimate(last_run_at)
        seconds = None if remaining is None else max(0.0, remaining.total_seconds())
        return schedstate(seconds == 0.0, cast("float", seconds))


class Row(RedBeatSchedulerEntry):  # type: ignore[misc]
    """An entry in RedBeat's table.

    ``last_run_at`` is the last moment that was dealt with, fired or missed; of a new entry, when it was written.
    """

    schedule: CelerySchedule
    last_run_at: datetime

    def __init__(self, *, misfire: Misfire, **fields: Any) -> None:
        super().__init__(**fields)
        self.misfire = misfire

    @classmethod
    def of(cls, entry: Entry, app: Celery, last: datetime) -> Row:
        """Return the row of *entry*, of whose moments those up to *last* were dealt with."""
        return cls(
            name=entry.name,
            task=entry.task,
            args=list(entry.args),
            kwargs=dict(entry.kwargs),
            options=dict(entry.options),
            schedule=CelerySchedule(entry.when, app),
            misfire=entry.misfire,
            last_run_at=last,
            app=app,
        )

    @staticmethod
    def decode_definition(definition: str) -> dict[str, Any]:
        """Read what ``save`` wrote.

        Raises:
            ScheduleError: if a later version wrote what this one does not know.

        """
        found: dict[str, Any] = json.loads(definition)
        misfire = found["misfire"]
        return {
            **found,
            "schedule": CelerySchedule(when_of(found["schedule"])),
            "misfire": Misfire(**{**misfire, "grace": timedelta(seconds=misfire["grace"])}),
        }

    @property
    def definition(self) -> dict[str, Any]:
        """What ``decode_definition`` reads."""
        rule = self.misfire
        return {
            "name": self.name,
            "task": self.task,
            "args": self.args,
            "kwargs": self.kwargs,
            "options": self.options,
            "schedule": self.schedule.when.definition,
            "misfire": {"rule": rule.rule, "grace": rule.grace.total_seconds(), "at_most": rule.at_most},
            "enabled": self.enabled,
        }

    @property
    def meta(self) -> dict[str, Any]:
        """What ``decode_meta`` reads."""
        return {"last_run_at": self.last_run_at}

    @property
    def entry(self) -> Entry:
        """The entry."""
        return Entry(
            name=self.name,
            when=self.schedule.when,
            task=self.task,
            args=self.args,
            kwargs=self.kwargs,
            options=self.options,
            misfire=self.misfire,
        )

    @property
    def due_at(self) -> datetime | None:
        """The moment that comes next; None if none does."""
        return next(self.schedule.when.after(self.last_run_at), None)

    @property
    def score(self) -> float:
        """Where it stands in the table, to the fraction of a second; RedBeat ignores what is negative."""
        return -1.0 if (due := self.due_at) is None else due.timestamp()
