"""A schedule of a test, and beats in its own process that fire it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from tasks_platform import ReliableTask, every, schedule, task
from tasks_platform.schedules import declared_entries
from tasks_platform.schedules.row import Row
from waiting import wait_for

LEADER = "tasks-platform:leading-beat"
QUEUE = "default\x06\x163"


@task(base=ReliableTask)
def clean_up(number: int = 1) -> None:
    """Do nothing: no worker runs here."""


def declare(name="clean-up", when=None, **options):
    schedule(name, when or every(days=1000), **options).runs(clean_up)
    return declared_entries()[0][name]


def tick_until(beat, condition):
    """Let a beat look at the schedule until something is so."""

    def ticked():
        beat.tick()
        return condition()

    return wait_for(ticked, 20)


def leading(beat):
    """Let a beat lead, and bring the table up to date."""
    tick_until(beat, lambda: beat._installed_in == beat._leadership.lock is not None)
    return beat


def freeze(beat):
    """Let the clock of a beat stand still: it leads for ever, as far as it knows. Return the lock of its term."""
    beat._leadership._ending.set()
    beat._leadership._thread.join()
    beat._leadership._until = float("inf")
    return beat._leadership.lock


def row(app, name="clean-up"):
    return Row.from_key(Row.generate_key(app, name), app=app)


def came_due(app, entry, number):
    """Let the last *number* moments of an entry be overdue; return them."""
    step = entry.when.interval
    last = next(entry.when.after(datetime.now(UTC) - step))
    row(app, entry.name).reschedule(last - number * step)
    return [last - back * step for back in reversed(range(number))]


def messages(client):
    """Return the jobs that wait, the first first."""
    return [json.loads(message) for message in reversed(client.lrange(QUEUE, 0, -1))]


def waiting(client):
    """Return the headers of the jobs that wait, the first first."""
    return [message["headers"] for message in messages(client)]


def states(app, name="clean-up"):
    return {record["moment"]: record["state"] for record in app.store.firings(name, 1000)}
