"""ReceivingChannel: the half of a leased channel that takes messages out of lists, and tells messages from garbage."""

from __future__ import annotations

import logging
from functools import cached_property
from queue import Empty
from typing import Any, Final, NamedTuple

import redis

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.asking import CLAIM, Asked
from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.broker.leased.held import Claim
from tasks_platform.broker.leased.lease import Lease
from tasks_platform.broker.leased.message import Message
from tasks_platform.broker.leased.moves import buried, postponed
from tasks_platform.broker.leased.moving import CLAIM as CLAIM_KEY
from tasks_platform.broker.leased.publishing import id_of
from tasks_platform.broker.leased.qos import LeasedQoS
from tasks_platform.broker.leased.storing import StoringChannel

log = logging.getLogger(__name__)
#: Seconds that the commands of a lease wait for the server at most.
_PATIENCE: Final = 5.0
#: The parameters of a connection that are made anew for each channel.
_NEW_EACH_TIME: Final = ("connection_class", "credential_provider")
#: For how many ms to wait for a signal where kombu is told to wait for ever.
_LONGEST_NAP_MS: Final = 5000


class Taken(NamedTuple):
    """What a claim has taken out of a list."""

    queue: str
    step: int
    #: The number of the claim.
    number: int
    raw: bytes
    #: Whether the server records it: it is to be acknowledged.
    recorded: bool
    #: Whether nobody begins with it at once, as far as the server knows.
    is_ahead: bool = False


class ReceivingChannel(StoringChannel):
    """A channel that knows its lease: what it takes is recorded and read, and becomes a message or is buried."""

    QoS = LeasedQoS
    Message = Message

    @property
    def own_lease(self) -> Lease | None:
        """The lease, if this channel has ever claimed anything."""
        return self.__dict__.get("lease")

    @cached_property
    def lease(self) -> Lease:
        """What this process has at this broker. It keeps parameters of its own: a closed channel has none any more."""
        params = self._connparams()
        for limit in ("socket_timeout", "socket_connect_timeout"):  # a connection that hangs must not cost the lease
            params[limit] = min(params.get(limit) or _PATIENCE, self.lease_seconds / 4)
        named = sorted((name, value) for name, value in params.items() if name not in _NEW_EACH_TIME)
        return Lease.of_process(
            (repr(named), self.names, self.lease_seconds, self.delivery_limit),
            lambda: Lease(
                lambda: redis.Redis.from_pool(redis.ConnectionPool(**params)),  # which is closed with the client
                self.names,
                float(self.lease_seconds),
                int(self.delivery_limit),
            ),
        )

    @property
    def in_event_loop(self) -> bool:
        """Whether messages are received in an event loop, which must not wait for answers of the server."""
        return bool(getattr(self.connection, "in_event_loop", False))

    @property
    def _longest_nap_ms(self) -> int:
        return int(self.brpop_timeout * 1000) or _LONGEST_NAP_MS

    def _ask(self, queues: list[str], free: int, ahead: int, no_ack: frozenset[str]) -> Asked:
        numbers = self.lease.begin(free + ahead, recorded=not no_ack.issuperset(queues))
        self.lease.asked = asked = Asked(
            lease=self.lease,
            numbers=numbers,
            ahead_from=numbers.start + free,
            queues=queues,
            no_ack=no_ack,
            all_steps=self.all_steps,
            steps=tuple(self.priority_steps),
            nap_ms=self._longest_nap_ms,
        )
        return asked

    def _received(self, taken: Taken, now: int) -> dict[str, Any] | None:
        """Return the message that was *taken*; None if it is none, or not due yet, or not ours: it is elsewhere now."""
        queue, step, number, raw, recorded, is_ahead = taken
        mark, raw = payload.unmarked(raw)
        if recorded and not self.lease.held.arrives(number):
            log.warning("a message that came too late was given back meanwhile")
            return None
        try:
            message = payload.read(raw)
        except payload.BadMessageError as bad:
            self._bury(taken._replace(raw=raw), bad)
            return None
        claim = Claim(number, queue, self.names.ready(queue, step).encode(), raw, id_of(message), not is_ahead)
        if recorded and (due := payload.due(message)) is not None and due > now:
            # somebody put it there who knows of no delays
            self.lease.move([postponed(claim, self.names, due)])
            return None
        payload.start_now(message)
        if mark is not None:
            message["properties"]["delivery_info"][payload.CANCELLED] = mark
        if recorded:
            properties = message["properties"]
            if properties["delivery_tag"] in self.lease.held:  # it was given to others meanwhile, and came back here
                properties["delivery_tag"] += f":{number}"
            properties["delivery_info"][CLAIM_KEY] = f"{number}@{self.lease.worker}"
            self.lease.held.add(properties["delivery_tag"], claim)
        return message

    def _bury(self, taken: Taken, bad: payload.BadMessageError, tag: str | None = None) -> None:
        """Put what is no message into the graveyard."""
        what = Buried(reason="unreadable", detail=str(bad), queue=taken.queue, raw=taken.raw)
        log.error("a message in %s cannot be read, and goes to the graveyard: %s", taken.queue, bad)
        if not taken.recorded:
            self.server.lpush(self.names.graveyard, what.write())
        elif tag is None:
            self.lease.move([buried(taken.number, what, "")])
        else:
            self.lease.bury(tag, what.reason, what.detail)

    def basic_get(self, queue: str, no_ack: bool = False, **_: Any) -> Any:  # noqa: FBT001, FBT002 - kombu's own
        """Return the next message of *queue* if there is one, None if not."""
        while True:
            try:
                taken, message = self._take(queue, recorded=not no_ack)
            except Empty:
                return None
            tag = message["properties"]["delivery_tag"]
            try:
                delivered = self.Message(message, channel=self)
            except payload.BadMessageError as bad:
                self._bury(taken, bad, tag)
                continue
            if not no_ack:
                self.qos.append(delivered, tag)
            return delivered

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        return self._take(queue, recorded=True)[1]

    def _take(self, queue: str, *, recorded: bool) -> tuple[Taken, dict[str, Any]]:
        """Claim one message at once.

        Raises:
            queue.Empty: if there is none.

        """
        claim = self.server.register_script(CLAIM)
        self._maybe_update_queues_expire(self.server, queue)
        while True:
            asked = self._ask([queue], 1, 0, frozenset() if recorded else frozenset({queue}))
            try:
                now, _, *found = claim(keys=asked.keys, args=asked.arguments)
                if not found:
                    raise Empty
                taken = Taken(queue, int(found[1]), found[2], found[3], recorded=recorded)
                message = self._received(taken, now)
            finally:
                asked.lease.held.came(asked.numbers)
            if message is not None:
                return taken, message
