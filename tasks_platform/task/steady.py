"""SteadyConsumer: what a worker owes the broker outlives a lost connection."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import Any

from celery.bootsteps import RUN  # type: ignore[attr-defined]
from celery.concurrency.solo import TaskPool as SoloPool
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer
from kombu.transport.redis import Channel

from tasks_platform.broker.leased.channel import Channel as LeasedChannel
from tasks_platform.broker.leased.pace import Slots
from tasks_platform.broker.rabbitmq import LevelConsumer
from tasks_platform.queues import Priority
from tasks_platform.task.backend import PlatformBackend
from tasks_platform.task.in_threads import InThreads
from tasks_platform.task.kept_jobs import is_kept, keeps_what_it_works_on
from tasks_platform.task.levels import steps_of
from tasks_platform.task.redelivered import Redelivered
from tasks_platform.task.soon import timer_of
from tasks_platform.task.taken import Taken
from tasks_platform.task.thread_pool import ThreadPool

log = logging.getLogger(__name__)
#: Seconds until an acknowledgement that could not be sent is sent again.
_PAUSE = 2.0
#: Seconds between two tries to connect: the first pause, what each adds, the longest. Those of Celery grow to 30 s.
_RECONNECTING = {"interval_start": 1, "interval_step": 1, "interval_max": 4}
#: Seconds at most that a message is kept before it is given back once more.
_LONGEST_PAUSE = 60.0
#: Seconds between two looks whether a slot is free where there is no event loop, and until it is looked at the rest.
_BLINK = 0.005
_LOOK_UP = 1.0
#: A lease is as long as so many times what its thread may wait for results to be stored.
_PAYS = 8
#: Does what is owed for a message: acknowledge it, or give it back.
Settle = Callable[[Any], None]


def _stops() -> bool:
    return worker_state.should_stop is not None or worker_state.should_terminate is not None


class SteadyConsumer(Consumer):
    """Celery's consumer, which on a lost connection forgets what it owes, runs jobs twice, or ends.

    On Redis this one does not:

    1. An acknowledgement that the broker does not take is sent again until it does.
    2. When the connection is lost, the messages that are not acknowledged stay where Redis keeps them.
    3. When it is back, those of running jobs are taken over and acknowledged when the jobs end; the others go back
       to their queues.

    RabbitMQ delivers what was not acknowledged again at once, to any worker. What comes back here, of a job that still
    runs or has ended meanwhile, is not run a second time.
    """

    # Celery's own, which its type stubs leave out
    app: Any
    blueprint: Any
    conninfo: Any
    connection_errors: Any
    channel_errors: Any
    controller: Any
    hub: Any
    pool: Any
    qos: Any
    task_consumer: Any = None
    timer: Any

    #: The levels whose jobs are taken; empty: all.
    levels: tuple[Priority, ...] = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Messages of the connection that was lost, by delivery tag.
        self._owed: dict[str, Any] = {}
        #: Delivery tags of messages that the pool works on, or that wait for their acknowledgement to be sent again.
        self._running: set[str] = set()
        self._unsent: set[str] = set()
        self._taken = Taken()
        #: Asked for each message, for which a look into the settings of the application is slow.
        self._prefetches = not self.app.conf.worker_disable_prefetch
        #: What RabbitMQ delivers again.
        self._redelivered = Redelivered()
        #: Where jobs run in threads beside an event loop.
        self._in_threads: InThreads | None = None

    def call_soon_ack(self, p: Any, *args: Any, **kwargs: Any) -> Any:
        """Acknowledge a message or give it back; Celery asks for it with one of the message's own methods."""
        message = p.__self__
        acknowledged = p.__name__ == "ack_log_error"
        settle = methodcaller("ack") if acknowledged else methodcaller("reject", requeue=args[-1] is True)
        if self._is_leased and _stops():
            # the event loop comes by again when all jobs have ended, which is too late if the worker is killed before
            return self.until_taken(message, settle)
        if acknowledged and self._in_threads is not None and self._in_threads.acknowledge(message):
            return None
        if not acknowledged and (pause := self._pause_before_giving_back(message)):
            return self.timer.call_after(pause, self.until_taken, (message, settle))
        return super().call_soon_ack(self.until_taken, message, settle)  # type: ignore[misc]

    def until_taken(self, message: Any, settle: Settle) -> None:
        """Do *settle*, the acknowledgement of *message*; again and again while the broker does not take it."""
        if self._is_of_a_lost_channel(message) and (message := self._redelivered.settled(message, settle)) is None:
            return
        if message.acknowledged:
            return
        try:
            settle(message)
        except (*self.connection_errors, *self.channel_errors, AttributeError) as trouble:
            # AttributeError: what a closed connection of kombu's Redis transport answers with
            log.warning("an acknowledgement could not be sent; again in %.0f s: %r", _PAUSE, trouble)
            self._unsent.add(message.delivery_tag)
            self.timer.call_after(_PAUSE, self.until_taken, (message, settle))
        else:
            self._unsent.discard(message.delivery_tag)
            if not _stops():
                self._ask()

    def _pause_before_giving_back(self, message: Any) -> float:
        """Keep a message a while that came back before: RabbitMQ delivers it at once, and gives it up in the end."""
        if _stops():
            return 0.0
        returned = (message.delivery_info or {}).get("returned") or 0
        return min(_LONGEST_PAUSE, _PAUSE * 2.0**returned) if returned else 0.0

    def is_known(self, message: Any) -> bool:
        """Tell whether *message* was delivered here before and need not be handled again."""
        settle = self._redelivered.known(message)
        if settle is not None:
            self.until_taken(message, settle)
        return settle is not None

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, again and again; also after a long time soon after the broker is back."""
        conn.ensure_connection = partial(conn.ensure_connection, **_RECONNECTING)
        return super().ensure_connected(conn)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of a lost connection without giving back what runs."""
        if self._is_plain_redis:
            channel = self.task_consumer.channel
            channel.do_restore = False
            self._owed |= channel.qos._delivered  # noqa: SLF001 - kombu has no other way to ask
        try:
            super().on_connection_error_after_connected(exc)
        except Exception:
            log.warning("the lost connection could not be closed", exc_info=True)

    def on_close(self) -> None:
        """Forget what a lost connection has delivered, but for what the pool works on."""
        if self._in_threads is not None:
            self._in_threads.end()
        handed = list(worker_state.reserved_requests)
        with keeps_what_it_works_on(self.pool):
            super().on_close()
        kept = [request.message for request in handed if is_kept(self.pool, request)]
        if isinstance(self.task_consumer, LevelConsumer):
            self._redelivered.expect(kept)
        elif self._is_plain_redis:
            self._running |= {message.delivery_tag for message in kept}

    def on_ready(self) -> None:
        """Take over from the connection that was lost, if one was."""
        super().on_ready()
        if isinstance(self.task_consumer, LevelConsumer):
            self._serve(self.task_consumer)
            return
        channel = self.task_consumer.channel
        if self.levels:
            # not of the whole connection: answers of other workers wait in lists of a level that may be none of these
            channel.priority_steps = steps_of(self.levels)
        if isinstance(channel, LeasedChannel):
            self._serve_leased(channel)
            return  # the lease knows what is owed
        self._taken.watch(channel.qos)
        for tag, message in self._owed.items():
            if message.acknowledged:
                continue
            if tag in self._running or tag in self._unsent:
                message.channel = channel
                channel.qos._delivered[tag] = message  # noqa: SLF001 - kombu has no other way to tell
            else:
                self._taken.give_back(channel, tag, message)
                message._state = "REQUEUED"  # noqa: SLF001 - so that nobody settles it again
        self._owed.clear()
        self._running.clear()

    def perform_pending_operations(self) -> None:
        """Ask for messages where there is no event loop that does."""
        super().perform_pending_operations()
        if self.hub is None and self.blueprint.state == RUN:
            self._ask()
            self._wait_for_a_slot()

    def _wait_for_a_slot(self) -> None:
        """Let others run until one is free: with none, nothing is asked for, and no answer would end the waiting."""
        deadline = time.monotonic() + _LOOK_UP
        while self._is_leased and self._slots_now().is_full and time.monotonic() < deadline:
            time.sleep(_BLINK)

    def _serve_leased(self, channel: LeasedChannel) -> None:
        channel.qos.__dict__.pop("can_consume", None)  # Celery's way to take no more than there are slots
        channel.slots = self._slots_now
        # the solo pool has no time to give back what it took ahead while it runs something long
        if self.hub is not None and not isinstance(self.pool, SoloPool):
            channel.call_later = timer_of(self.hub)
            self.hub.on_tick.add(self._deliver)
        if self.hub is not None and isinstance(self.pool, ThreadPool):
            self._in_threads = InThreads(self.pool, channel, self.hub)
        runs_here = self.hub is not None and isinstance(self.pool, (ThreadPool, SoloPool))
        if runs_here and isinstance(self.app.backend, PlatformBackend):
            lease = channel.lease
            lease.precede(self.app.job_states.pay_with(lease.seconds / _PAYS))

    def _deliver(self) -> None:
        if self._ask():
            for tick in self.hub.on_tick - {self._deliver}:
                tick()  # the pool's may have passed, in which it sends its processes what they are to run
        if self._in_threads is not None:
            self._in_threads.look_later()

    def _serve(self, consumer: LevelConsumer) -> None:
        consumer.slots = self._slots
        consumer.levels = self.levels or consumer.levels
        consumer.taken = lambda: len(worker_state.reserved_requests)
        if self.hub is not None:
            # before its ticks, in one of which the pool sends its processes what they are to run
            self.hub.call_soon(self._ask)
            self.hub.on_tick.add(self._ask)

    def _ask(self) -> bool:
        """Ask for messages that could be begun with; tell whether any have come at once."""
        if isinstance(self.task_consumer, LevelConsumer):
            self.task_consumer.ask()
        return self._is_leased and self.task_consumer.channel.deliver_ahead() > 0

    @property
    def _is_leased(self) -> bool:
        return isinstance(getattr(self.task_consumer, "channel", None), LeasedChannel)

    @property
    def _is_plain_redis(self) -> bool:
        """Whether messages are popped from Redis, and not claimed under a lease."""
        return type(getattr(self.task_consumer, "channel", None)) is Channel

    def _slots(self) -> int:
        return int(getattr(self.controller, "max_concurrency", None) or self.pool.num_processes)

    def _slots_now(self) -> Slots:
        """Return how many jobs can run, and how many do: those of a lost connection, and acknowledged ones, as well."""
        most = (self._prefetches and self.qos.value) or self._slots()
        return Slots(int(most), len(worker_state.reserved_requests))

    def _is_of_a_lost_channel(self, message: Any) -> bool:
        consumer = self.task_consumer
        return isinstance(consumer, LevelConsumer) and message.channel is not consumer.channel
