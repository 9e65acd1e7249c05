"""Jobs: find a job by its id, look at it, cancel it, put it elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.control import Finder, Found, StillMovingError
from tasks_platform.broker.leased.control.by_id import Change
from tasks_platform.broker.leased.overview import indexed_queues
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.errors import JobError
from tasks_platform.jobs.asking import ask
from tasks_platform.jobs.queues import known_queues, require_queue
from tasks_platform.jobs.reading import job_of, peek_of
from tasks_platform.jobs.value import Cancelled, Job, Outcome, Peek
from tasks_platform.letters.who import this_user
from tasks_platform.queues import Priority, broker_priority
from tasks_platform.task.cancel_command import Answer
from tasks_platform.task.cancel_mark import GRACE, CancelMark
from tasks_platform.task.ending import end_cancelled
from tasks_platform.task.leased_channel import leased_channel

#: Of so many messages of a list is looked at each, where a plain producer has sent the job: no index knows it.
_SCANNED: Final = 1000
#: How often, and after how many seconds, it is looked again for a job that is on its way to its worker, or back.
_TRIES: Final = 50
_BLINK: Final = 0.02
_OUTCOMES: Final[dict[Answer | None, Outcome]] = {"dropped": "cancelled", "ending": "ending", None: "unheard"}


class Jobs:
    """The jobs of one installation that have not ended, as their messages are stored.

    What is done to them is said to be done *by* the user of the operating system, unless another name is given.
    """

    def __init__(self, app: Any, *, by: str | None = None) -> None:
        self._app = app
        self._by = by or this_user()

    def show(self, job_id: str) -> Job:
        """Return where a job is.

        Raises:
            JobError: if it has ended, or there never was one.

        """
        with self._reached(job_id, lambda finder: finder.find(job_id)) as (_, found):
            return job_of(found)

    def peek(self, job_id: str) -> Peek:
        """Return a job and what its message says: its headers, and its arguments by name.

        Raises:
            JobError: if it has ended, or there never was one.

        """
        with self._reached(job_id, lambda finder: finder.find(job_id)) as (channel, found):
            return peek_of(self._app, channel, found)

    def cancel(self, job_id: str, *, why: str = "", grace: float = GRACE) -> Cancelled:
        """Cancel a job.

        One that waits is gone at once: it will not run, and what it held is given back. One that a worker has and has
        not begun with is dropped there. One that runs is asked to end (``current_run().cancel_requested``), and ended
        after *grace* seconds: in a pool of processes its process is killed, in a thread ``Cancel`` is raised. All of
        it is durable: a job whose worker dies meanwhile does not run again.

        Raises:
            JobError: if it has ended, or there never was one.

        """
        mark = CancelMark(by=self._by, why=why, at=time.time(), grace=grace)
        was: Job | None = None
        for _ in range(_TRIES):
            try:
                with self._reached(job_id, lambda finder: finder.cancel(job_id, mark.write())) as (channel, found):
                    was = job_of(found)
                    if found.state != "claimed":
                        self._end(channel, found, mark)
                        return Cancelled(outcome="cancelled", was=was)
            except JobError:
                if was is None:
                    raise
                outcome: Outcome = "cancelled" if self._was_dropped(was) else "ended"
                return Cancelled(outcome=outcome, was=was)
            answer = ask(self._app, was.queue, was.worker or "", job_id, mark)
            if answer != "gone":
                return Cancelled(outcome=_OUTCOMES[answer], was=was)
            time.sleep(_BLINK)  # it is on its way to that worker, or away from it
        return Cancelled(outcome="unheard", was=was)

    def move(self, job_id: str, queue: str) -> Job:
        """Put a job that waits into another queue, behind what is there; return where it was.

        Raises:
            JobError: if it has ended, or a worker has it.
            PlatformError: if nobody declares the queue and nothing lies in it.

        """

        def elsewhere(message: dict[str, Any], found: Found) -> tuple[str, int]:
            message["properties"]["delivery_info"].update(exchange="", routing_key=queue)
            return queue, found.step

        with leased_channel(self._app, self._app.servers.of(queue)) as channel:
            require_queue(self._app, channel, queue)
        was = self.show(job_id)
        if self._app.servers.of(was.queue) != self._app.servers.of(queue):
            raise JobError(f"{job_id} lies in {was.queue}, and {queue} on another server: a job stays on its own")
        return self._changed(job_id, elsewhere)

    def set_priority(self, job_id: str, priority: Priority | str) -> Job:
        """Let a job that waits be taken sooner, or later; return where it was.

        Raises:
            JobError: if it has ended, or a worker has it.
            ValueError: if there is no such priority.

        """
        step = broker_priority(priority)

        def sooner(message: dict[str, Any], found: Found) -> tuple[str, int]:
            message["properties"]["priority"] = step
            return found.queue, step

        return self._changed(job_id, sooner)

    def run_now(self, job_id: str) -> Job:
        """Let a job that is delayed or held be begun as soon as somebody can; return where it was.

        Raises:
            JobError: if it has ended, or a worker has it.

        """

        def now(message: dict[str, Any], found: Found) -> tuple[str, int]:
            payload.start_now(message)
            return found.queue, found.step

        return self._changed(job_id, now)

    def _end(self, channel: StoringChannel, found: Found, mark: CancelMark) -> None:
        """Give back what a job held whose message was taken out; where that cannot be done here, a worker does it."""
        if end_cancelled(self._app, channel, found.raw, mark):
            Finder(channel, [found.queue]).settled(found, mark.write())

    def _was_dropped(self, job: Job) -> bool:
        """Tell of a job that has just left its worker whether it left without being begun."""
        with leased_channel(self._app, self._app.servers.of(job.queue)) as channel:
            return bool(channel.server.exists(channel.names.dropped(job.id)))

    def _changed(self, job_id: str, how: Change) -> Job:
        try:
            with self._reached(job_id, lambda finder: finder.change(job_id, how)) as (_, found):
                was = job_of(found)
        except StillMovingError as moving:
            raise JobError(f"{moving}: repeat it") from None
        except payload.BadMessageError as bad:
            raise JobError(f"the message of {job_id} cannot be changed: {bad}") from None
        if found.state == "claimed":
            raise JobError(f"the worker {found.worker} has {job_id} already: only what waits can be changed")
        return was

    @contextmanager
    def _reached(self, job_id: str, do: Callable[[Finder], Found | None]) -> Iterator[tuple[StoringChannel, Found]]:
        """Do something with the message of a job, on whichever server it lies; the block has its channel."""
        known = self._app.servers.shared(known_queues(self._app))
        for address in self._app.servers.all:
            with leased_channel(self._app, address) as channel:
                declared = known.get(address, [])
                found = do(Finder(channel, declared, scanned=_SCANNED))
                if found is None and (others := sorted({*indexed_queues(channel)} - {*declared})):
                    found = do(Finder(channel, others))
                if found is not None:
                    yield channel, found
                    return
        raise JobError(
            f"there is no job {job_id!r} in any queue: it has ended, or there never was one; if it has failed for "
            f"good, 'tasks-platform letters show {job_id}' says why"
        )
