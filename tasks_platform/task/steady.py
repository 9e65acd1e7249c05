"""SteadyConsumer: what a worker owes the broker outlives a lost connection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker import state as worker_state
from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)
#: Seconds until an acknowledgement that could not be sent is sent again.
_PAUSE = 2.0


class SteadyConsumer(Consumer):
    """Celery's consumer, which on a lost connection forgets what it owes, runs jobs twice, or ends.

    On Redis this one does not:

    1. An acknowledgement that the broker does not take is sent again until it does.
    2. When the connection is lost, the messages that are not acknowledged stay where Redis keeps them.
    3. When it is back, those of running jobs are taken over and acknowledged when the jobs end; the others go back
       to their queues.
    """

    # Celery's own, which its type stubs leave out
    app: Any
    conninfo: Any
    connection_errors: Any
    channel_errors: Any
    task_consumer: Any = None
    timer: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Messages of the connection that was lost, by delivery tag.
        self._owed: dict[str, Any] = {}
        #: Delivery tags of messages that the pool works on, or that wait for their acknowledgement to be sent again.
        self._running: set[str] = set()
        self._unsent: set[str] = set()

    def call_soon_ack(self, p: Any, *args: Any, **kwargs: Any) -> Any:
        """Acknowledge a message or give it back; Celery asks for it with one of the message's own methods."""
        message = p.__self__
        settle = message.ack if p.__name__ == "ack_log_error" else partial(message.reject, requeue=args[-1] is True)
        return super().call_soon_ack(partial(self.until_taken, message, settle))  # type: ignore[misc]

    def until_taken(self, message: Any, settle: Callable[[], None]) -> None:
        """Do *settle*, the acknowledgement of *message*; again and again while the broker does not take it."""
        if message.acknowledged:
            return
        try:
            settle()
        except (*self.connection_errors, *self.channel_errors, AttributeError) as trouble:
            # AttributeError: what a closed connection of kombu's Redis transport answers with
            log.warning("an acknowledgement could not be sent; again in %.0f s: %r", _PAUSE, trouble)
            self._unsent.add(message.delivery_tag)
            self.timer.call_after(_PAUSE, self.until_taken, (message, settle))
        else:
            self._unsent.discard(message.delivery_tag)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of a lost connection without giving back what runs."""
        if self.task_consumer is not None and self.conninfo.transport.driver_type == "redis":
            channel = self.task_consumer.channel
            channel.do_restore = False
            self._owed |= channel.qos._delivered  # noqa: SLF001 - kombu has no other way to ask
            self._running |= {
                request.message.delivery_tag
                for request in worker_state.reserved_requests
                if request._apply_result is not None  # noqa: SLF001 - the pool has it
            }
        try:
            super().on_connection_error_after_connected(exc)
        except Exception:
            log.warning("the lost connection could not be closed", exc_info=True)

    def on_ready(self) -> None:
        """Take over from the connection that was lost, if one was."""
        super().on_ready()
        channel = self.task_consumer.channel
        for tag, message in self._owed.items():
            if message.acknowledged:
                continue
            if tag in self._running or tag in self._unsent:
                message.channel = channel
                channel.qos._delivered[tag] = message  # noqa: SLF001 - kombu has no other way to tell
            else:
                channel.qos.restore_by_tag(tag)
                message._state = "REQUEUED"  # noqa: SLF001 - so that nobody settles it again
        self._owed.clear()
        self._running.clear()
