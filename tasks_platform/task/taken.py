"""What a worker has taken from Redis and could not note there: kombu would forget the message with the connection."""

from __future__ import annotations

from typing import Any

from kombu.transport import virtual


class Taken:
    """Messages on their way from a list into the server's notes of what is not acknowledged, when a connection broke.

    The server may have noted one, and the answer was lost; or it may have not, and nobody else has the message.
    """

    def __init__(self) -> None:
        self._in_doubt: set[str] = set()

    def watch(self, qos: Any) -> None:
        """Let *qos*, kombu's, keep a message in mind before it is noted at the server."""
        note = qos.append

        def append(message: Any, tag: str) -> None:
            virtual.QoS.append(qos, message, tag)
            self._in_doubt.add(tag)
            note(message, tag)
            self._in_doubt.discard(tag)

        qos.append = append

    def give_back(self, channel: Any, tag: str, message: Any) -> None:
        """Put *message* back into its queue, from the server's notes or, where it never came there, from memory."""
        with channel.conn_or_acquire() as client:
            if tag in self._in_doubt and not client.hexists(channel.unacked_key, tag):
                where = message.delivery_info
                channel._do_restore_message(message._raw, where["exchange"], where["routing_key"], client)  # noqa: SLF001
            else:
                channel.qos.restore_by_tag(tag, client)
        self._in_doubt.discard(tag)
