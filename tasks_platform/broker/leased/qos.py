"""LeasedQoS: what a channel has delivered; what becomes of it is the lease's to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kombu.transport import virtual

if TYPE_CHECKING:
    from tasks_platform.broker.leased.channel import Channel


_Base: Any = virtual.QoS


class LeasedQoS(_Base):  # type: ignore[misc]  # kombu has no type hints
    """Counts what was delivered and not acknowledged, and passes the rest on to the lease of the process."""

    channel: Channel

    def can_consume(self) -> bool:
        """Tell whether messages may come; a channel that is told of slots sees to it itself."""
        return self.channel.slots is not None or bool(super().can_consume())

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that was delivered: it was recorded at the server when it was claimed."""
        super().append(message, delivery_tag)
        self.channel.lease.held.attach(delivery_tag, message)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message."""
        self.channel.lease.settle(delivery_tag, later=self.channel.in_event_loop)
        super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's own signature
        """Put a message back at the end of its queue, or into the graveyard."""
        if requeue:
            self.channel.lease.give_back([delivery_tag], "tail")
        else:
            self.channel.lease.bury(delivery_tag, "rejected", "its consumer refused it and did not want it back")
        super().ack(delivery_tag)

    def put_back(self, delivery_tags: list[str]) -> None:
        """Put messages back into their lists as they were: nobody has begun with them."""
        self.channel.lease.put_back(delivery_tags)
        for tag in delivery_tags:
            super().ack(tag)

    def postpone(self, delivery_tag: str, seconds: float) -> None:
        """Put a message among those of its queue that are not due yet."""
        self.channel.lease.postpone(delivery_tag, seconds)
        super().ack(delivery_tag)

    def restore_unacked(self) -> list[Any]:
        """Put back everything that is not acknowledged."""
        self._flush()
        self.channel.lease.give_back(list(self._delivered))
        self._delivered.clear()
        return []

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Let go of what was delivered: the channel closes. What somebody works on stays this process's."""
        self._on_collect.cancel()
        self._flush()
        tags = list(self._delivered)
        self._delivered.clear()
        self._delivered.restored = True
        if tags and (lease := self.channel.own_lease) is not None:
            lease.released(tags)

    def let_go(self) -> None:
        """Keep no message here for its own sake: what nobody works on goes back, the rest when that has ended."""
        self._flush()
        tags = list(self._delivered)
        self._delivered.update(dict.fromkeys(tags))
        if tags and (lease := self.channel.own_lease) is not None:
            lease.released(tags)

    def restore_visible(self, *args: Any, **options: Any) -> None:
        """Leave what other workers have alone: their leases tell when they are dead."""
