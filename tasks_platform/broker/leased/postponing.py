"""Postponing: a message that nobody can use yet waits in the broker, and in no worker."""

from __future__ import annotations

from typing import Any

from tasks_platform.broker.leased.qos import LeasedQoS


def postpone(message: Any, seconds: float) -> bool:
    """Put *message*, which was received here, back among those of its queue that are not due yet.

    It comes again as it was, to whoever takes it, and that counts as nothing. False where the broker has no delays.
    """
    qos = getattr(message.channel, "qos", None)
    if not isinstance(qos, LeasedQoS):
        return False
    qos.postpone(message.delivery_tag, seconds)
    message._state = "REQUEUED"  # noqa: SLF001 - so that nobody settles it again
    return True
