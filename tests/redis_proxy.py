"""A connection to a Redis server that breaks when a test says so: before the server heard, or before it was heard."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE = 1 << 20


class RedisProxy:
    """Passes everything on, until the cut that a test asked for."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cut: tuple[bytes, int, str] | None = None
        self._closed = False
        #: Whether nobody gets through any more.
        self.down = False
        #: Whether everything is held back, as by a network that loses all packets.
        self.silent = False
        #: Whether the cut is for good, until `mend`.
        self._lasting = False
        self.port = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """The address of database 0, seen through this proxy."""
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self, command: bytes, number: int, where: Literal["request", "reply"], *, lasting: bool) -> None:
        """Cut the connection at the *number*th request that holds *command*: the request gets lost, or its reply."""
        self._cut, self._lasting = (command, number, where), lasting

    def mend(self) -> None:
        """Let everybody through again."""
        self.down = self.silent = False

    def serve(self) -> None:
        """Accept connections until the proxy is closed."""
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.down:
                client.close()
            else:
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def close(self) -> None:
        """End the proxy."""
        self._closed = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_on(self, client: socket.socket) -> None:
        """Pass on one connection; an answer that must not be heard ends it."""
        muted = threading.Event()
        self._wait_while_silent()
        try:
            server = socket.create_connection(("127.0.0.1", self._server))
        except OSError:  # it is away itself
            client.close()
            return
        with client, server:
            replies = threading.Thread(target=self._pass_back, args=(server, client, muted), daemon=True)
            replies.start()
            with suppress(OSError):
                while request := client.recv(_SIZE):
                    where = self._is_cut(request)
                    if where == "request":
                        break
                    if where == "reply":
                        muted.set()
                    self._wait_while_silent()
                    server.sendall(request)
            _end(server, client)
            replies.join()

    def _pass_back(self, server: socket.socket, client: socket.socket, muted: threading.Event) -> None:
        with suppress(OSError):
            while (answer := server.recv(_SIZE)) and not muted.is_set():
                self._wait_while_silent()
                client.sendall(answer)
        _end(server, client)

    def _wait_while_silent(self) -> None:
        while self.silent and not self._closed:
            time.sleep(0.01)

    def _is_cut(self, request: bytes) -> str | None:
        if self._cut is None or self._cut[0] not in request.upper():
            return None
        command, number, where = self._cut
        if number > 1:
            self._cut = (command, number - 1, where)
            return None
        self._cut, self.down = None, self._lasting
        return where


def _end(*sockets: socket.socket) -> None:
    for end in sockets:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def redis_proxy(port: int) -> Iterator[RedisProxy]:
    """Run a proxy in front of the server on *port* until the block ends."""
    proxy = RedisProxy(port)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
