"""Master: where the server is that takes writes, as the sentinels say."""

from __future__ import annotations

import logging
import math
import os
import time
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError

from tasks_platform.broker.leased.unpatched import allocate_lock

if TYPE_CHECKING:
    from tasks_platform.broker.sentinel.address import Sentinels
    from tasks_platform.broker.sentinel.connection import MasterConnection

log = logging.getLogger(__name__)
#: Seconds between two looks whether the master is still the master, while it is spoken to.
_EVERY: Final = 0.5
#: Seconds for which all that connect at the same time believe what one was told.
_FRESH: Final = 0.2
#: Seconds that a sentinel may take to answer, and for which one that did not is asked last.
_PATIENCE: Final = 0.5
_AVOIDED: Final = 20.0


class Where(NamedTuple):
    """Where a master is; a switch makes the epoch greater."""

    epoch: int
    host: str
    port: int


class Master:
    """The master of one name, as this process knows it.

    1. Whoever connects asks all sentinels, and believes the one that knows of the latest switch.
    2. While a connection is used, one sentinel is asked twice a second: after a switch the old master may go on
       as if nothing had happened, and what it is told then is lost.
    3. When the master is another one, all connections of this process to the old one are cut, whoever uses them and
       waits at them: they are opened again, to the new one.
    """

    _all: ClassVar[dict[tuple[int, Sentinels], Master]] = {}

    def __init__(self, sentinels: Sentinels) -> None:
        self._sentinels = sentinels
        limits = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE, "retry": Retry(NoBackoff(), 0)}
        options: dict[str, Any] = {**limits, **dict(sentinels.options), "decode_responses": True}
        self._clients = [redis.Redis(host=host, port=port, **options) for host, port in sentinels.hosts]
        #: Until when a sentinel is asked last, by its place, in seconds of the monotonic clock.
        self._avoided: dict[int, float] = {}
        self._turn = 0
        self._known: Where | None = None
        self._known_at = self._next_look = -math.inf
        self._connections: weakref.WeakSet[MasterConnection] = weakref.WeakSet()
        # held for no question: a thread of the system must not wait for another one's event loop
        self._lock = allocate_lock()

    @classmethod
    def of_process(cls, sentinels: Sentinels) -> Master:
        """Return the one of this process, not of the one it was forked from."""
        key = (os.getpid(), sentinels)
        return cls._all.get(key) or cls._all.setdefault(key, cls(sentinels))

    def serves(self, connection: MasterConnection) -> None:
        """Remember a connection to where the master is said to be."""
        with self._lock:
            self._connections.add(connection)

    def find(self) -> Where:
        """Return where the master is.

        Raises:
            MasterNotFoundError: if no sentinel can be reached, or none knows of a master that is up.

        """
        if self._known is not None and time.monotonic() - self._known_at < _FRESH:
            return self._known
        answers: list[Where] = []
        troubles: list[str] = []
        for place in sorted(range(len(self._clients)), key=lambda it: self._avoided.get(it, 0.0) > time.monotonic()):
            if answers and self._avoided.get(place, 0.0) > time.monotonic():
                break
            try:
                answers.append(self._ask(place))
            except redis.RedisError as trouble:
                troubles.append(f"{':'.join(map(str, self._sentinels.hosts[place]))}: {trouble}")
        if not answers:
            raise MasterNotFoundError(
                f"no sentinel knows a master {self._sentinels.master_name!r} that is up ({'; '.join(troubles)})"
            )
        self._learn(found := max(answers))
        return found

    def doubt(self) -> None:
        """Ask anew, whoever was asked when."""
        self._known_at = -math.inf

    def look(self) -> None:
        """Ask one sentinel whether there was a switch, unless somebody just did."""
        now = time.monotonic()
        if now < self._next_look or self._known is None:
            return
        self._next_look = now + _EVERY
        self._turn += 1
        place = self._turn % len(self._clients)
        if self._avoided.get(place, 0.0) > now:
            return
        try:
            found = self._ask(place)
        except redis.RedisError as trouble:
            log.debug("a sentinel of %s does not help: %r", self._sentinels.master_name, trouble)
        else:
            if found.epoch > self._known.epoch:
                self._learn(found)

    def _ask(self, place: int) -> Where:
        name = self._sentinels.master_name
        with self._clients[place].pipeline(transaction=False) as pipe:
            pipe.sentinel_get_master_addr_by_name(name)
            pipe.sentinel_master(name)
            try:
                # raises where it does not know the name
                address, state = pipe.execute()
            except (redis.ConnectionError, redis.TimeoutError):
                self._avoided[place] = time.monotonic() + _AVOIDED
                raise
        if address is None:
            raise MasterNotFoundError("it knows of no such name")
        at = Where(int(state["config-epoch"]), address[0], int(address[1]))
        if (state["is_sdown"] or state["is_odown"]) and (state["ip"], state["port"]) == (at.host, at.port):
            raise MasterNotFoundError(f"the one at {at.host}:{at.port} is down")
        if state["num-other-sentinels"] < self._sentinels.min_others:
            raise MasterNotFoundError("it knows too few other sentinels")
        return at

    def _learn(self, found: Where) -> None:
        with self._lock:
            before, self._known, self._known_at = self._known, found, time.monotonic()
            self._next_look = self._known_at + _EVERY
            connections = list(self._connections)
        if before is not None and before[1:] != found[1:]:
            name = self._sentinels.master_name
            log.warning("%s is at %s:%d now, and no more at %s:%d", name, *found[1:], *before[1:])
            for connection in connections:
                connection.leave_all_but(found)
