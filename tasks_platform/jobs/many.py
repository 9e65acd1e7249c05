"""ManyJobs: what is done to all jobs of a kind that wait."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.control import Finder, Found, StillMovingError, depth
from tasks_platform.broker.leased.control.sweeping import Part, Sweeper
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.errors import JobError
from tasks_platform.jobs.queues import known_queues, require_queue
from tasks_platform.jobs.reading import job_of
from tasks_platform.jobs.value import Job
from tasks_platform.jobs.which import Which
from tasks_platform.letters.who import this_user
from tasks_platform.task.cancel_mark import CancelMark
from tasks_platform.task.ending import end_cancelled
from tasks_platform.task.leased_channel import leased_channel

#: Workers that take jobs meanwhile move the others on: so often it is looked for what was passed over.
_PASSES: Final = 5
_EXAMPLES: Final = 5
#: Told how many were looked at, and how many there are about.
Progress = Callable[[int, int], None]


@dataclass(kw_only=True)
class Hit:
    """What was meant, or was done."""

    count: int = 0
    tasks: Counter[str] = field(default_factory=Counter)
    #: The first few of them.
    examples: list[Job] = field(default_factory=list)

    def add(self, found: Found) -> None:
        """Count one more."""
        job = job_of(found)
        self.count += 1
        self.tasks[job.task] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(job)


class ManyJobs:
    """The jobs of a kind that wait, are delayed or are held; what workers have is left alone.

    It goes through the queues a part at a time and keeps none of it, however much there is. What is said to be done is
    done by the user of the operating system, unless another name is given.
    """

    def __init__(self, app: Any, which: Which, *, queue: str | None = None, by: str | None = None) -> None:
        self._app = app
        self._which = which
        self._queues = known_queues(app) if queue is None else [queue]
        self._by = by or this_user()

    def look(self, progress: Progress | None = None) -> Hit:
        """Return which jobs are meant, and do nothing."""
        hit = Hit()
        for channel, _, part in self._parts(progress):
            for found in self._meant(channel, part):
                hit.add(found)
        return hit

    def cancel(self, *, why: str = "", progress: Progress | None = None) -> Hit:
        """Cancel them; what they held is given back. Return those that were cancelled."""
        hit = Hit()
        mark = CancelMark(by=self._by, why=why, at=time.time())

        def cancel(channel: StoringChannel, sweeper: Sweeper, part: Part) -> None:
            fresh = CancelMark(by=mark.by, why=mark.why, at=time.time())
            for found in sweeper.cancel(part, self._meant(channel, part), fresh.write()):
                if end_cancelled(self._app, channel, found.raw, fresh):
                    Finder(channel, [found.queue]).settled(found, fresh.write())
                hit.add(found)

        self._until_none_is_left(hit, cancel, progress)
        return hit

    def move(self, queue: str, *, progress: Progress | None = None) -> Hit:
        """Put them into another *queue*, behind what is there, in their order; return those that were moved.

        Raises:
            JobError: if they wait in that queue, or on another server.
            PlatformError: if nobody declares the queue and nothing lies in it.

        """
        address = self._app.servers.of(queue)
        with leased_channel(self._app, address) as channel:
            require_queue(self._app, channel, queue)
        self._queues = [name for name in self._queues if name != queue]
        if elsewhere := [name for name in self._queues if self._app.servers.of(name) != address]:
            raise JobError(f"{', '.join(elsewhere)} and {queue} lie on different servers: a job stays on its own")
        hit = Hit()

        def how(message: dict[str, Any], found: Found) -> tuple[str, int]:
            message["properties"]["delivery_info"].update(exchange="", routing_key=queue)
            return queue, found.step

        def move(channel: StoringChannel, _: Sweeper, part: Part) -> None:
            for found in self._meant(channel, part):
                with suppress(StillMovingError, payload.BadMessageError):
                    within = None if part.places is None else (part.key, *part.places)
                    was = Finder(channel, [found.queue], within=within).change(job_of(found).id, how)
                    if was is not None and was.state != "claimed":
                        part.removed += part.places is None
                        hit.add(found)

        self._until_none_is_left(hit, move, progress)
        return hit

    def _until_none_is_left(
        self, hit: Hit, do: Callable[[StoringChannel, Sweeper, Part], None], progress: Progress | None
    ) -> None:
        for _ in range(_PASSES):
            before = hit.count
            for channel, sweeper, part in self._parts(progress):
                do(channel, sweeper, part)
            if hit.count == before:
                return

    def _parts(self, progress: Progress | None) -> Iterator[tuple[StoringChannel, Sweeper, Part]]:
        seen = 0
        for address, queues in self._app.servers.shared(self._queues).items():
            with leased_channel(self._app, address) as channel:
                total = sum(one.waiting + one.delayed for one in depth(channel, queues))
                for queue in queues:
                    sweeper = Sweeper(channel, queue)
                    for part in sweeper.parts():
                        yield channel, sweeper, part
                        seen += len(part.found)
                        if progress is not None:
                            progress(seen, max(seen, total))

    def _meant(self, channel: StoringChannel, part: Part) -> list[Found]:
        return [found for found in part.found if self._which.has(channel, found.raw)]
