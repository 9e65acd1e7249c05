"""Bring RedBeat's table up to what the task modules declare."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from redbeat.schedulers import get_redis  # type: ignore[import-untyped]

from tasks_platform.errors import ScheduleError
from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.row import Row

log = logging.getLogger(__name__)


def install(
    app: Any, entries: Mapping[str, Entry], remembered: Mapping[str, datetime], settle: Callable[[Row], None]
) -> None:
    """Write the *entries*, and remove those of an earlier version that are declared no more.

    An entry goes on after the moment that was dealt with last: as the table says or, where it came back empty, as this
    beat has *remembered*. A new one begins now. One that comes at other times than before begins now, too, when what
    had come due before is settled.
    """
    client, statics = get_redis(app), app.redbeat_conf.statics_key
    for name in sorted(client.smembers(statics) - entries.keys()):
        log.info("the schedule %s is declared no more", name)
        with client.pipeline(transaction=True) as pipe:
            pipe.zrem(app.redbeat_conf.schedule_key, Row.generate_key(app, name))
            pipe.delete(Row.generate_key(app, name)).srem(statics, name).execute()
    for entry in entries.values():
        now = datetime.now(UTC)
        if (stored := _stored(app, entry.name)) is None:
            last = remembered.get(entry.name, now)
        elif stored.schedule.when == entry.when:
            last = stored.last_run_at
        else:
            settle(Row.of(replace(entry, when=stored.schedule.when), app, stored.last_run_at))
            last = now
        Row.of(entry, app, last).save()
        client.sadd(statics, entry.name)


def _stored(app: Any, name: str) -> Row | None:
    """Return the row of this name, if there is one that this version can read."""
    try:
        return Row.from_key(Row.generate_key(app, name), app=app)  # type: ignore[no-any-return]
    except KeyError:
        return None
    except (ScheduleError, TypeError, ValueError) as error:
        log.warning("the schedule %s was written by another version and begins anew: %s", name, error)
        return None
