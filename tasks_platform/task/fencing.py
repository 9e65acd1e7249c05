"""What a worker has of its broker, and how much of it was given to others: in its statistics, and told as an event."""

from __future__ import annotations

from typing import Any, Final

from celery.bootsteps import StartStopStep

from tasks_platform.broker.leased.lease import Lease

#: Seconds between two looks whether something was given to others.
_EVERY: Final = 1.0
#: What is sent to those who watch events: ``number`` of messages, and ``total`` since the worker began.
FENCED: Final = "worker-fenced"


class LeaseStep(StartStopStep):
    """Tells of a worker's lease on Redis.

    A worker that stood still for longer than its lease cannot acknowledge what was given to others meanwhile; what it
    ran of that may have run twice.
    """

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None
        self._told = 0

    def start(self, consumer: Any) -> None:
        """Begin to look."""
        self._timer = consumer.timer.call_repeatedly(_EVERY, self._tell, (consumer,))

    def stop(self, consumer: Any) -> None:
        """Look no more: there is no connection to tell of it."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def info(self, consumer: Any) -> Any:
        """Return what ``inspect stats`` tells; nothing on a broker without leases."""
        if (lease := _lease_of(consumer)) is None:
            return {}
        held = {"worker": lease.worker, "seconds": lease.seconds, "holds": len(lease.held)}
        return {"lease": {**held, "given_to_others": lease.lost}}

    def _tell(self, consumer: Any) -> None:
        lease = _lease_of(consumer)
        if lease is None or (lost := lease.lost) == self._told:
            return
        if consumer.event_dispatcher is not None:
            consumer.event_dispatcher.send(FENCED, number=lost - self._told, total=lost)
        self._told = lost


def _lease_of(consumer: Any) -> Lease | None:
    lease = getattr(getattr(consumer.task_consumer, "channel", None), "own_lease", None)
    return lease if isinstance(lease, Lease) else None
