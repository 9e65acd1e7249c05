"""Channel: kombu's Redis channel, which claims messages under a lease in place of popping them."""

from __future__ import annotations

import logging
import math
import time
from queue import Empty
from typing import Any, Final

import redis
from redis.exceptions import NoScriptError, ReadOnlyError

from tasks_platform.broker.leased.asking import CLAIM, Asked
from tasks_platform.broker.leased.delivering import DeliveringChannel
from tasks_platform.broker.leased.pace import HORIZON
from tasks_platform.broker.leased.refusals import Refusals

log = logging.getLogger(__name__)
#: What a server answers that is no master any more.
_DEMOTED: Final = ("UNBLOCKED", "MASTERDOWN")


class Channel(DeliveringChannel):
    """A channel on which no message is ever in no place.

    The connection that waits for messages is in one of two states. It *claims*: one script takes what is there. When
    nothing was there, it *waits* for a signal that somebody has put a message into one of its lists, or until the next
    delayed message is due, and claims again.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._refusals = Refusals()
        self._no_ack: set[str] = set()
        #: The claim that was sent, and whose answer has not been read.
        self._asked: Asked | None = None
        #: Until when to wait before the next claim, in seconds of the monotonic clock; None: not at all.
        self._nap_until: float | None = None
        self._brpop_sent_at = 0.0
        super().__init__(*args, **options)

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **options: Any) -> Any:  # noqa: FBT001 - kombu's own
        """Consume from *queue*."""
        (self._no_ack.add if no_ack else self._no_ack.discard)(queue)
        tag = super().basic_consume(queue, no_ack, *args, **options)
        self._stop_waiting()  # it hears of its other queues only
        return tag

    def _basic_cancel(self, consumer_tag: str) -> None:
        super()._basic_cancel(consumer_tag)
        self._stop_waiting()  # it would take a signal that is for others
        if self.in_event_loop and not self._consumers:  # a worker that stops, and waits for what runs
            self.qos.let_go()

    def _stop_waiting(self) -> None:
        """Claim at once in place of waiting for a signal."""
        if self._in_poll and self._asked is None:
            self._in_poll.disconnect()
        self._nap_until = None

    def close(self) -> None:
        """Close the channel, at once also while it waits for messages."""
        if self._in_poll and self._asked is None:
            self._in_poll.disconnect()
        super().close()
        self._give_up()

    def _brpop_start(self, timeout: float | None = None) -> None:
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues:
            return
        self._give_up()
        if pause := self._refusals.pause:
            if self.in_event_loop:
                return  # which comes by again
            time.sleep(pause)
        free, ahead = self._wanted()
        if free + ahead < 1:
            return  # nobody can begin with anything
        connection, now = self.client.connection, time.monotonic()
        if self._nap_until is None or now >= self._nap_until or not free:
            if self._nap_until is not None and now < self._brpop_sent_at + HORIZON:
                return  # nothing was there a moment ago
            self._asked = self._ask(list(queues), free, ahead, frozenset(self._no_ack))
            connection.send_command(*self._asked.command)
        else:
            keys = [self.names.wake(queue, step) for step in self.priority_steps for queue in queues]
            connection.send_command("BZPOPMIN", *keys, max(0.001, self._nap_until - now))  # 0 were for ever
        self._in_poll = connection
        self._brpop_sent_at = now

    def _brpop_read(self, **options: Any) -> bool:
        if not self._is_readable():
            raise Empty
        asked, self._asked, self._nap_until = self._asked, None, None
        try:
            answer = self._answer("BZPOPMIN" if asked is None else "EVALSHA", **options)
            if asked is None:
                raise Empty  # somebody has put something, or it is time to look
            now, next_due, *found = answer
            if not found:
                self._nap(next_due - now if next_due else math.inf)
                raise Empty
            if time.monotonic() - self._brpop_sent_at > asked.lease.seconds / 2:
                self._look_again(asked)  # this process stood still, or the line did
            self._hand_on(asked, now, found)
            return True
        finally:
            if asked is not None:
                asked.lease.held.came(asked.numbers)
            self._in_poll = None
            self._flush_brpop_reauth()

    def _is_readable(self) -> bool:
        """Tell whether an answer has come, and not only the event of a socket that another has taken the number of."""
        connection = self.client.connection
        if not self._in_poll:
            connection.disconnect()
            return False
        try:
            return bool(connection.can_read(timeout=0))
        except self.connection_errors:
            connection.disconnect()
            raise

    def _nap(self, next_due_ms: float) -> None:
        """Claim again when the next delayed message is due, or somebody has looked at nothing for long."""
        nap = min(self._longest_nap_ms, next_due_ms) / 1000
        self._nap_until = time.monotonic() + nap
        if next_due_ms < self._longest_nap_ms:
            self.lease.nudge_in(max(0.0, nap))

    def _look_again(self, asked: Asked) -> None:
        try:
            asked.lease.look_again(asked.numbers)
        except self.ResponseError as error:
            self._refusals.refused("EVALSHA", error)  # what was claimed goes back when it takes writes again
            raise Empty from None

    def _on_connection_disconnect(self, connection: Any) -> None:
        if self._in_poll is connection:
            self._give_up()
        super()._on_connection_disconnect(connection)

    def _give_up(self) -> None:
        """Expect no answer to a claim any more: what it may have taken all the same is found by the lease."""
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.lease.held.came(asked.numbers)

    def _answer(self, command: str, **options: Any) -> Any:
        client = self.client
        try:
            answer = client.parse_response(client.connection, command, **options)
        except NoScriptError:
            self.server.script_load(CLAIM)
            raise Empty from None
        except self.ResponseError as error:
            if isinstance(error, ReadOnlyError) or str(error).startswith(_DEMOTED):
                client.connection.disconnect()
                raise redis.ConnectionError(f"the server is no master any more: {error}") from error
            self._refusals.refused(command, error)
            raise Empty from None
        except self.connection_errors:
            client.connection.disconnect()
            raise
        self._refusals.answered(command)
        return answer
