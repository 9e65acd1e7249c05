"""SentinelChannel: a leased channel at the server that is the master at the time."""

from __future__ import annotations

from typing import Any

from tasks_platform.broker.leased.channel import Channel
from tasks_platform.broker.sentinel import PATIENCE, Address, MasterConnection, MasterTLSConnection


class SentinelChannel(Channel):
    """A channel whose connections follow the master.

    What the old master had and the new one has not got is lost; claims among it are found to be gone when they are
    acknowledged, as those of a worker that stood still.
    """

    connection_class = MasterConnection
    connection_class_ssl = MasterTLSConnection

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - kombu's own signature
        params = super()._connparams(asynchronous)
        transport: Any = self.connection  # the leased one
        address: Address = transport.address
        who = {"username": address.username, "password": address.password}
        return {
            **params,
            **{name: value for name, value in who.items() if value is not None},
            "sentinels": address.sentinels,
            "db": address.db,
            "socket_timeout": self.socket_timeout or PATIENCE,
            "socket_connect_timeout": self.socket_connect_timeout or PATIENCE,
        }
