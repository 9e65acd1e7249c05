"""Which port the server listens on."""

from __future__ import annotations

import secrets
import socket

from tasks_platform.embedded.records import Access
from tasks_platform.errors import NoServerError

#: Below the range from which systems number outgoing connections (from 32768 on Linux, 49152 on macOS). There, a
#: client that reconnects while the server is away could be connected to itself and so take the port.
PORTS = range(20000, 30000)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on *port* of the loopback interface right now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def new_access() -> Access:
    """Choose a free port and a password.

    The password changes with the port: whoever took the old port may have been sent the old password.
    """
    for _ in range(1000):
        port = secrets.choice(PORTS)
        if is_free(port):
            return Access(port=port, password=secrets.token_hex(24))
    raise NoServerError(f"No free port was found on 127.0.0.1 between {PORTS.start} and {PORTS.stop - 1}.")
