"""Message: a message as kombu delivers it, or an error that says why it cannot be delivered."""

from __future__ import annotations

from typing import Any

from kombu.transport import virtual

from tasks_platform.broker.leased.payload import BadMessageError

_Base: Any = virtual.Message


class Message(_Base):  # type: ignore[misc]  # kombu has no type hints
    """kombu's message.

    Raises:
        BadMessageError: if its body is not encoded as it says.

    """

    def __init__(self, payload: Any, channel: Any = None, **options: Any) -> None:
        try:
            super().__init__(payload, channel=channel, **options)
        except Exception as error:  # whatever the encoding raises: nobody will ever read it
            raise BadMessageError(f"its body cannot be decoded: {error!r}") from error
