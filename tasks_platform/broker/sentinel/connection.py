"""Connections to a master: they are opened to the server that is it at the time, and left when it is not any more."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any, Final

import redis
from redis.connection import Connection, SSLConnection

from tasks_platform.broker.sentinel.address import Address, Sentinels
from tasks_platform.broker.sentinel.master import Master, Where

#: What a server answers that is no master any more, or one whose replicas have left it for another, or not come yet.
_NO_MASTER: Final = ("READONLY", "MASTERDOWN", "UNBLOCKED", "NOREPLICAS")
#: Writes nothing, and is refused where nothing may be written. The key is one that every user of a broker has.
_PROBE: Final = ("PEXPIRE", "leased:sent:", 1)
#: Seconds to wait for an answer at most: a machine that is gone does not say so.
PATIENCE: Final = 5.0


class MasterConnection(Connection):
    """A connection to the server that is the master when it is opened.

    To whoever uses it a switch is a lost connection: what was asked of the old master may be done or not.
    """

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._sentinels = sentinels
        self._master: Master | None = None

    def leave_all_but(self, where: Where) -> None:
        """Cut this connection off, in the middle of anything, unless it leads there; any thread may do so."""
        sock: Any = self._sock
        if sock is None or (self.host, self.port) == (where.host, where.port):
            return
        # that of TLS forgets first that it encrypts, and somebody may be sending
        cut = socket.socket.shutdown if isinstance(sock, ssl.SSLSocket) else type(sock).shutdown
        with suppress(OSError):
            cut(sock, socket.SHUT_RDWR)

    def on_connect_check_health(self, check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's own
        """Insist on a master that takes writes: a sentinel may not know yet that this one is none any more."""
        super().on_connect_check_health(check_health=check_health)
        role = self._ask("ROLE")
        if role is not None and role[0] not in {"master", b"master"}:
            raise self._no_master(f"it says that it is a {role[0]!r}")
        self._ask(*_PROBE)

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: FBT001, FBT002
        """Send a command, unless the master is another one by now."""
        if self._master is not None:
            self._master.look()
        super().send_packed_command(command, check_health=check_health)  # type: ignore[no-untyped-call]

    def can_read(self, timeout: float = 0) -> bool:
        """Tell whether something has come; who only listens hears of a switch here."""
        if self._master is not None:
            self._master.look()
        return bool(super().can_read(timeout))

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read an answer; that of a server which is no master is none."""
        try:
            return super().read_response(*args, **options)
        except redis.ResponseError as error:
            if isinstance(error, redis.ReadOnlyError) or str(error).startswith(_NO_MASTER):
                raise self._no_master(str(error)) from error
            raise

    def _connect(self) -> Any:
        self._master = None  # while it is looked for
        master = Master.of_process(self._sentinels)
        _, self.host, self.port = master.find()
        sock = super()._connect()  # type: ignore[no-untyped-call]
        self._master = master
        master.serves(self)
        return sock

    def _ask(self, *command: Any) -> Any:
        """Return the answer to *command*; None where that is not allowed: then it shows when something is written."""
        self.send_command(*command)  # type: ignore[no-untyped-call]
        with suppress(redis.exceptions.NoPermissionError):
            return self.read_response()
        return None

    def _no_master(self, why: str) -> redis.ConnectionError:
        if self._master is not None:
            self._master.doubt()
        self.disconnect()  # type: ignore[no-untyped-call]
        return redis.ConnectionError(f"{self.host}:{self.port} is not the master just now: {why}")


class MasterTLSConnection(MasterConnection, SSLConnection):
    """The same by TLS."""


def connection_options(url: str) -> dict[str, Any]:
    """Return what a connection pool needs to lead to the master at *url*."""
    address = Address.read(url)
    return {
        "connection_class": MasterConnection if address.tls is None else MasterTLSConnection,
        "sentinels": address.sentinels,
        "db": address.db,
        "username": address.username,
        "password": address.password,
        "socket_timeout": PATIENCE,
        "socket_connect_timeout": PATIENCE,
        **(address.tls or {}),
    }
