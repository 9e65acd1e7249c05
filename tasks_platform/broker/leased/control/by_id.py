"""By id: where the message of a job is; take it out, put it elsewhere, or cancel its job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.graveyard import Graveyard
from tasks_platform.broker.leased.publishing import Place, stored
from tasks_platform.broker.leased.scripts import text_of
from tasks_platform.broker.leased.storing import StoringChannel

#: Of so many messages of a list is looked at each in one step: half a millisecond.
_CHUNK: Final = 500
#: How often a change is made anew that others have come before.
_TRIES: Final = 5

State = Literal["ready", "delayed", "claimed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Where the message of a job is."""

    state: State
    queue: str
    step: int
    #: What stands there, and the message in it, as bytes.
    stands: bytes
    raw: bytes
    #: How many of its list are taken before it, if it is ready; some of them may have been taken out by now.
    before: int | None = None
    #: When it is due, in ms since 1970; None: now.
    due: int | None = None
    #: Which worker has it, and whether somebody there has begun with it.
    worker: str | None = None
    begun: bool = False


#: Changes a message as it is to be, knowing where it was; returns the queue and the priority step it goes to.
Change = Callable[[dict[str, Any], Found], tuple[str, int]]


class StillMovingError(Exception):
    """A message was put elsewhere again and again while it was to be changed."""


class Finder:
    """Finds messages by the ids of their jobs in some queues.

    A message of the platform is found by the index. One that a plain producer has put there is in no index: it is
    looked for among the *scanned* youngest messages of each list, or *within* a part of a list of the first queue: its
    key, and two places.
    """

    def __init__(
        self,
        channel: StoringChannel,
        queues: Sequence[str],
        *,
        scanned: int = 0,
        within: tuple[str, int, int] | None = None,
    ) -> None:
        self._channel = channel
        self._names = channel.names
        self._queues = queues
        self._scanned = scanned
        self._within = within
        self._script = channel.server.register_script(text_of("by_id"))

    def find(self, job_id: str) -> Found | None:
        """Return where the message of *job_id* is; None if it is not there."""
        return self._first(job_id, "look")

    def take(self, job_id: str) -> Found | None:
        """Take the message of *job_id* out, for good, and return where it was.

        What a worker has stays there: the state of what is returned is ``claimed``.
        """
        return self._first(job_id, "take")

    def cancel(self, job_id: str, mark: str) -> Found | None:
        """Take the message of *job_id* out, or see to it that who has it is told *mark*: who has said so, and why.

        What was taken out lies in the graveyard until `settled` says that all is given back what its job held. What a
        worker has stays there: the state of what is returned is ``claimed``, and everybody who is given it from now on
        is told, whatever becomes of that worker.
        """
        return self._first(job_id, "cancel", mark)

    def settled(self, found: Found, mark: str) -> None:
        """Forget what `cancel` has taken out: all is given back that its job held."""
        Graveyard(self._channel.server, self._names.graveyard).forget_cancelled(mark, found.queue, found.raw)

    def change(self, job_id: str, how: Change) -> Found | None:
        """Put the message of *job_id*, changed by *how*, where it then goes, behind others; return where it was.

        What a worker has stays as it is: the state of what is returned is ``claimed``.

        Raises:
            StillMovingError: if others have moved it again and again meanwhile.
            BadMessageError: if it cannot be read.

        """
        for _ in range(_TRIES):
            found = self.find(job_id)
            if found is None or found.state == "claimed":
                return found
            message = payload.read(found.raw)
            queue, step = how(message, found)
            key, text, due = stored(self._names, Place(queue, step, self._channel.all_steps, None), message)
            place = (key, text, "" if due is None else due, self._names.wake(queue, step), queue)
            told = (found.stands, *place)
            answer = self._look(found.queue, job_id, "replace", "", 0, 0, *told) or self._first(
                job_id, "replace", *told
            )
            if answer is not None and answer.state != "claimed":
                return answer
        raise StillMovingError(f"the message of {job_id} was moved again and again while it was to be changed")

    def _first(self, job_id: str, what: str, *told: Any) -> Found | None:
        with self._channel.server.pipeline(transaction=False) as pipe:
            for queue in self._queues:
                pipe.hexists(self._names.index(queue), job_id)
            known = dict(zip(self._queues, pipe.execute(), strict=True))
        for queue in sorted(self._queues, key=lambda queue: not known[queue]):
            if found := self._look(queue, job_id, what, "", 0, 0, *told):
                return found
        if self._within is not None:
            return self._look(self._queues[0], job_id, what, *self._within, *told)
        for queue in self._queues:
            for step in self._channel.all_steps:
                key = self._names.ready(queue, step)
                for first in self._chunks(key):
                    if found := self._look(queue, job_id, what, key, first, first + _CHUNK - 1, *told):
                        return found
        return None

    def _chunks(self, key: str) -> Iterator[int]:
        """Yield where each part of a list begins; what is put there meanwhile moves the rest on, into the next part."""
        for first in range(0, self._scanned, _CHUNK):
            length: Any = self._channel.server.llen(key)
            if first >= length:
                return
            yield first

    def _look(self, queue: str, job_id: str, what: str, *told: Any) -> Found | None:
        names = self._names
        answer: Any = self._script(
            keys=[names.index(queue), names.pushed, names.delayed(queue), names.gone, names.workers],
            args=[job_id, what, names.prefix, queue, *told],
        )
        match answer:
            case [b"ready", key, message, before]:
                step = names.step_of(queue, key)
                return Found(state="ready", queue=queue, step=step, stands=message, raw=message, before=before)
            case [b"delayed", due, member]:
                _, step, message = member.split(b"|", 2)
                return Found(
                    state="delayed", queue=queue, step=int(step), stands=member, raw=message, due=int(float(due))
                )
            case [b"claimed", worker, _, begun, key, message]:
                of = names.queue_of(key)
                return Found(
                    state="claimed",
                    queue=of,
                    step=names.step_of(of, key),
                    stands=message,
                    raw=message,
                    worker=worker.decode(),
                    begun=bool(begun),
                )
        return None
