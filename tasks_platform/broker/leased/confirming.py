"""Confirming: whoever pushes a message hears of it when replicas have it, too."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Final

import redis
from kombu.exceptions import OperationalError
from kombu.transport import redis as kombu_redis
from redis.exceptions import ResponseError

log = logging.getLogger(__name__)
_Base: Any = kombu_redis.Channel
#: The commands by which messages are pushed.
_PUSHES: Final = frozenset({"EVAL", "EVALSHA"})
#: Seconds between two warnings.
_AGAIN: Final = 10.0


class TooFewReplicasError(OperationalError):
    """A message is in its queue, and may get lost with the server; who sends it again waits as long once more."""


@dataclass(kw_only=True)
class Replicas:
    """How many replicas are to have what was pushed."""

    wanted: int
    #: Seconds to wait for them.
    timeout: float
    #: Whether it is an error when fewer have it; else a warning.
    required: bool
    #: How many messages fewer had in time, and how many of them nobody was warned of yet.
    missed: int = 0
    _untold: int = field(default=0, repr=False)
    _told_at: float = field(default=float("-inf"), repr=False)

    def reached(self, number: int) -> None:
        """Judge what *number* of replicas have answered.

        Raises:
            TooFewReplicasError: if the message may get lost with the server.

        """
        if number >= self.wanted:
            return
        self.missed += 1
        if self.required:
            raise TooFewReplicasError(
                f"the message is in its queue, but only {number} of {self.wanted} replicas had it after "
                f"{self.timeout:g} s: if this server dies now, it is lost; sent again under the same id it is one job"
            )
        self._untold += 1
        if time.monotonic() - self._told_at > _AGAIN:
            log.warning(
                "%d messages are in their queues, but fewer than %d replicas had them after %g s (%d so far): "
                "if the server dies now, they are lost",
                *(self._untold, self.wanted, self.timeout, self.missed),
            )
            self._untold, self._told_at = 0, time.monotonic()


class Confirming:
    """The half of a connection that asks, with every push, how many replicas have heard of it."""

    def __init__(self, *, replicas: Replicas, **options: Any) -> None:
        super().__init__(**options)
        self._replicas = replicas
        #: Whether an answer is awaited that tells of replicas, behind that to the push itself.
        self._asked = False

    def send_command(self, *command: Any, **options: Any) -> None:
        """Send a command; behind a push, ask for the replicas."""
        this: Any = super()
        if command[0] not in _PUSHES:
            this.send_command(*command, **options)
            return
        ask = ("WAIT", self._replicas.wanted, round(self._replicas.timeout * 1000))
        this.send_packed_command(this.pack_commands([command, ask]), check_health=options.get("check_health", True))
        self._asked = True

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read an answer."""
        this: Any = super()
        asked, self._asked = self._asked, False
        try:
            answer = this.read_response(*args, **options)
        except ResponseError:
            if asked and this.is_connected:
                this.read_response()
            raise
        if asked:
            self._replicas.reached(int(this.read_response()))
        return answer

    def disconnect(self, *args: Any, **options: Any) -> None:
        """Expect nothing any more."""
        self._asked = False
        this: Any = super()
        this.disconnect(*args, **options)


class ConfirmingChannel(_Base):  # type: ignore[misc]  # kombu has no type hints
    """kombu's channel, which waits for replicas if it is told to."""

    #: How many replicas are to have a message before its sender goes on, seconds to wait for them, and whether it is an
    #: error when they are fewer.
    replicas = 0
    replicas_timeout = 1.0
    replicas_required = True
    from_transport_options: ClassVar[Any] = (
        *kombu_redis.Channel.from_transport_options,
        "replicas",
        "replicas_timeout",
        "replicas_required",
    )

    _pushes: redis.ConnectionPool | None = None

    @property
    def pushes(self) -> redis.ConnectionPool:
        """The connections over which messages are pushed; what else is done waits for nobody."""
        if not self.replicas:
            pool: redis.ConnectionPool = self.pool
            return pool
        if self._pushes is None:
            params = self._connparams()
            wanted = Replicas(
                wanted=int(self.replicas),
                timeout=float(self.replicas_timeout),
                required=bool(self.replicas_required),
            )
            kind = _confirming(params.pop("connection_class"))
            self._pushes = redis.ConnectionPool(connection_class=kind, replicas=wanted, **params)
        return self._pushes

    def _disconnect_pools(self) -> None:
        super()._disconnect_pools()
        pushes, self._pushes = self._pushes, None
        if pushes is not None:
            pushes.disconnect()


@cache
def _confirming(connection: type[Any]) -> type[Any]:
    return type(f"Confirming{connection.__name__}", (Confirming, connection), {})
