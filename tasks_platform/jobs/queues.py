"""Queues: pause and resume them, and see how much waits in them and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tasks_platform.broker.leased import control
from tasks_platform.broker.leased.control import Depth, Pause
from tasks_platform.broker.leased.overview import overview
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.errors import PlatformError
from tasks_platform.letters.who import this_user
from tasks_platform.queues import Priority, priority_level
from tasks_platform.servers import BROKER, name_of
from tasks_platform.task.envelope import due_in
from tasks_platform.task.leased_channel import leased_channel

_MS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """How much lies in one queue, and whether anything is taken from it."""

    name: str
    #: The server of its own on which this lies; '': the broker.
    server: str
    #: Jobs that could be begun, by level.
    waiting: Mapping[Priority, int]
    #: Jobs that are not due yet, and when the first of them is; those that were set aside are counted apart.
    delayed: int
    held: int
    next_due: datetime | None
    #: Jobs that workers have, begun or not.
    claimed: int
    #: For how many seconds the job waits that is taken next of its level, at most; None: none waits, or nobody knows:
    #: a plain Celery producer does not say when it sent its jobs.
    oldest: float | None
    #: How many jobs are done with in a second, in the last minutes; None: none was.
    rate: float | None
    #: Who has paused it, and why; None: nobody.
    pause: Pause | None

    @property
    def work(self) -> float | None:
        """Return in how many seconds what waits will be done at that rate; None if nobody can tell."""
        waiting = sum(self.waiting.values())
        if not waiting:
            return 0.0
        return None if self.rate is None else waiting / self.rate


class Queues:
    """The queues of one installation, as they are stored: what is said here holds for all workers at once."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def states(self, names: Iterable[str] = (), *, undeclared: bool = False) -> list[QueueState]:
        """Return the state of the queues *names*; without any, of all that tasks declare and all that are paused.

        With *undeclared* also of those that nobody here declares, for which all keys of the server are looked through.
        """
        wanted = list(names)
        shared = self._app.servers.shared(wanted or known_queues(self._app))
        found = [
            state
            for address in (shared if wanted and not undeclared else self._app.servers.all)
            for state in self._states_at(address, shared.get(address, []), found=not wanted, undeclared=undeclared)
        ]
        place = {queue: number for number, queue in enumerate(wanted)}
        return sorted(found, key=lambda state: (place.get(state.name, len(place)), state.name))

    def _states_at(self, address: str, wanted: list[str], *, found: bool, undeclared: bool) -> list[QueueState]:
        """Return the state of the queues *wanted* of one server, and of others that are *found* there."""
        with leased_channel(self._app, address) as channel:
            if found:
                wanted = sorted({*wanted, *control.paused(channel)})
            if undeclared:
                wanted = [*wanted, *sorted({*overview(channel, wanted)["queues"]} - {*wanted})]
            server = "" if address == BROKER else name_of(address)
            depths = control.depth(channel, wanted)
            rates = control.rates(channel, wanted, depths[0].at) if depths else {}
            return [_state(depth, rates[depth.queue], server) for depth in depths]

    def pause(self, name: str, *, why: str, by: str | None = None) -> Pause:
        """Let no worker begin anything of the queue *name* until it is resumed.

        What runs goes on, and what is sent waits. Who pauses it a second time gets to know of the first.

        Raises:
            PlatformError: if nobody declares the queue and nothing lies in it: it is misspelt.

        """
        with leased_channel(self._app, self._app.servers.of(name)) as channel:
            require_queue(self._app, channel, name)
            return control.pause(channel, name, by=by or this_user(), why=why)

    def resume(self, name: str) -> Pause | None:
        """Let workers take from the queue *name* again; return the pause that has ended, None if there was none."""
        with leased_channel(self._app, self._app.servers.of(name)) as channel:
            return control.resume(channel, name)


def known_queues(app: Any) -> list[str]:
    """Return the queues that tasks declare."""
    return sorted({*app.home_queues, *app.amqp.queues})


def require_queue(app: Any, channel: StoringChannel, name: str) -> None:
    """Refuse a queue that is misspelt.

    Raises:
        PlatformError: if nobody declares it and nothing lies in it.

    """
    known = known_queues(app)
    if name not in known and not _is_used(control.depth(channel, [name])[0]):
        raise PlatformError(
            f"there is no queue {name!r}: no task declares it, and nothing lies in it. There are {', '.join(known)}."
        )


def _is_used(depth: Depth) -> bool:
    return bool(depth.waiting or depth.delayed or depth.claimed or depth.pause)


def _state(depth: Depth, rate: float | None, server: str) -> QueueState:
    waiting = dict.fromkeys(Priority, 0)
    for step, count in depth.ready.items():
        waiting[priority_level(step)] += count
    since = [due for message in depth.next.values() if (due := due_in(message.get("headers"))) is not None]
    return QueueState(
        name=depth.queue,
        server=server,
        waiting=waiting,
        delayed=depth.delayed - depth.held,
        held=depth.held,
        next_due=None if depth.next_due is None else datetime.fromtimestamp(depth.next_due / _MS, UTC),
        claimed=depth.claimed,
        oldest=max(0.0, depth.at / _MS - min(since)) if since else None,
        rate=rate,
        pause=depth.pause,
    )
