"""What RabbitMQ writes into a message on its way, taken out again: sent once more, it would mislead the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tasks_platform.broker.rabbitmq.levels import LEVELS, level_behind, logical_name
from tasks_platform.broker.rabbitmq.topology import GRAVEYARD

#: Seeing one of its own queues in "x-death", the server would take a second delay for a circle and drop the message.
_WRITTEN_BY_THE_SERVER: Final = (
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
    "x-acquired-count",
    "x-delivery-count",
)


def arrived(raw: Any, physical: str) -> Any:
    """Let a message say what it came from: the queue by its one name, the level, and why it was given up, if it was.

    The level is that of the queue, in which it has waited, whatever number its producer has written.
    """
    headers = raw.properties.get("application_headers")
    headers = headers if isinstance(headers, dict) else {}
    written = {name: headers.pop(name) for name in _WRITTEN_BY_THE_SERVER if name in headers}
    queue, reason = physical, None
    if physical == GRAVEYARD:
        queue, reason = _last_death(written)
    raw.properties["priority"] = LEVELS[level_behind(queue)]
    raw.delivery_info["routing_key"] = logical_name(queue)
    raw.delivery_info["given_up"] = reason
    raw.delivery_info["returned"] = written.get("x-delivery-count", 0)
    return raw


def _last_death(written: Mapping[str, Any]) -> tuple[str, str]:
    deaths = written.get("x-death") or [{}]  # the latest first
    return str(deaths[0].get("queue", GRAVEYARD)), str(deaths[0].get("reason", "unknown"))
