"""``schedule(...).runs(...)``: declare an entry beside its task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, ParamSpec

from tasks_platform.errors import PayloadError, ScheduleError
from tasks_platform.payload import Payload
from tasks_platform.queues import Priority, broker_priority
from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.misfire import Misfire, Rule
from tasks_platform.schedules.table import Declared, begin, declare
from tasks_platform.schedules.when import When
from tasks_platform.task import PlatformTask

P = ParamSpec("P")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When something is to run; ``runs`` says what."""

    name: str
    when: When
    misfire: Misfire
    options: Mapping[str, Any]

    def runs(self, task: PlatformTask[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Send a job of *task* with these arguments at every moment.

        Raises:
            ScheduleError: if they do not fit its signature, or another entry has the name.

        """
        try:
            # the task itself is not there before its application
            payload = object.__getattribute__(task, "declared_payload")
        except AttributeError:
            payload = None
        if not isinstance(payload, Payload):
            raise ScheduleError(f"schedule({self.name!r}) runs {task!r}, which is no task: declare it with @task")
        if payload.sealing.of_arguments:
            raise ScheduleError(
                f"schedule({self.name!r}) runs {payload.name}, which takes a sealed argument, and what stands in a "
                "declaration is no secret: let it run a task that looks the secret up"
            )
        try:
            written_args, written_kwargs = payload.write(args, kwargs)
        except PayloadError as error:
            raise ScheduleError(f"schedule({self.name!r}): {error}") from None

        def entry() -> Entry:
            return Entry(
                name=self.name,
                when=self.when,
                task=task.name,
                args=written_args,
                kwargs=written_kwargs,
                options=self.options,
                misfire=self.misfire,
            )

        says = (self, written_args, written_kwargs)
        declare(Declared(name=self.name, runs=payload.name, says=says, entry=entry))


def schedule(  # noqa: PLR0913 - an entry's options
    name: str,
    when: When,
    *,
    misfire: Rule = "once",
    grace: timedelta | float | None = None,
    at_most: int | None = None,
    queue: str | None = None,
    priority: Priority | str | None = None,
    tenant: str | None = None,
) -> Schedule:
    """Declare the entry *name* of the schedule: ``schedule("clean-up", cron("0 2 * * *")).runs(clean_up)``.

    *misfire* says what becomes of moments that passed while no beat ran or nothing could be sent: ``once`` fires the
    last one, ``skip`` only if it is not later than *grace* (60 s), ``all`` the last *at_most* (100). The others are
    recorded as missed. *queue*, *priority* and *tenant* are those of the jobs; the task's own without them.

    Raises:
        ScheduleError: if the declaration cannot work; the message says what was probably meant.

    """
    if not _NAME.fullmatch(name):
        raise ScheduleError(
            f"schedule({name!r}): a name has letters, digits and ._:- and begins with a letter or digit"
        )
    try:
        if priority is not None:
            broker_priority(priority)
        rule = Misfire.of(misfire, grace, at_most)
    except (ScheduleError, ValueError) as error:
        raise ScheduleError(f"schedule({name!r}): {error}") from None
    given = {"queue": queue, "priority": priority, "tenant": tenant}
    options = {option: str(value) for option, value in given.items() if value is not None}
    begin(name)
    return Schedule(name=name, when=when, misfire=rule, options=options)
