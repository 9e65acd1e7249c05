"""``inspect scheduled``: what waits for its time, in the workers and in the broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from celery.worker import control
from celery.worker.control import inspect_command

from tasks_platform.broker.leased.delays import delayed
from tasks_platform.broker.leased.storing import StoringChannel

_in_workers: Any = control.scheduled  # type: ignore[attr-defined]
#: So many of a queue are shown.
_MOST: Final = 100


@inspect_command(name="scheduled", alias="dump_schedule")
def scheduled(state: Any, **_: Any) -> list[dict[str, Any]]:
    """List of currently scheduled ETA/countdown tasks.

    The first hundred of each queue, with the total of the queue beside each.
    """
    consumer = state.consumer.task_consumer
    channel = getattr(consumer, "channel", None)
    waiting: list[dict[str, Any]] = _in_workers(state)
    if isinstance(channel, StoringChannel):
        for queue in consumer.queues:
            waiting += _in_broker(channel, queue.name)
    return waiting


def _in_broker(channel: StoringChannel, queue: str) -> Iterator[dict[str, Any]]:
    found = delayed(channel, queue, _MOST)
    for due, step, message in found.first:
        yield {
            "eta": datetime.fromtimestamp(due, UTC).isoformat(),
            "priority": step,
            "queue": queue,
            "total": found.total,
            "request": _request(message.get("headers") or {}, message["properties"]),
        }


def _request(headers: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Celery tells of a request, with arguments as its sender wanted them shown."""
    return {
        "id": headers.get("id"),
        "name": headers.get("task"),
        "args": headers.get("argsrepr"),
        "kwargs": headers.get("kwargsrepr"),
        "type": headers.get("task"),
        "hostname": None,
        "time_start": None,
        "acknowledged": False,
        "delivery_info": {**properties["delivery_info"], "priority": properties.get("priority")},
        "worker_pid": None,
    }
