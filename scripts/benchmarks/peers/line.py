"""A line to a server that counts how often an answer is waited for: what comes at once is one round trip."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial


class Line:
    """A TCP proxy in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._ready = threading.Event()
        self._stop: Callable[[], object] = self._ready.clear
        self._asked: dict[int, bool] = {}
        #: How often something was asked after everything before was answered, on any connection.
        self.trips = 0
        self.port = 0

    def run(self) -> None:
        """Pass on what comes, until `end`."""
        with asyncio.Runner() as runner:  # which ends every connection, too
            runner.run(self._serve())

    def wait(self) -> None:
        """Wait until connections are accepted."""
        self._ready.wait(10)

    def end(self) -> None:
        """End it, and every connection."""
        self._stop()

    async def _serve(self) -> None:
        ended = asyncio.Event()
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set)
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await ended.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = id(writer)
        self._asked[key] = False
        ends = [writer]
        try:
            with suppress(asyncio.CancelledError, ConnectionError):
                there, back = await asyncio.open_connection("127.0.0.1", self._server)
                ends.append(back)
                await asyncio.gather(self._ask(reader, back, key), self._answer(there, writer, key))
        finally:
            for end in ends:  # also when all is ended: the loop still comes by to close them
                end.transport.abort()

    async def _ask(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, key: int) -> None:
        while data := await source.read(1 << 16):
            if not self._asked[key]:
                self._asked[key], self.trips = True, self.trips + 1
            target.write(data)
        target.close()

    async def _answer(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, key: int) -> None:
        while data := await source.read(1 << 16):
            self._asked[key] = False
            target.write(data)
        target.close()


@contextmanager
def counting_line(port: int) -> Iterator[Line]:
    """Run a line to the server on *port* until the block ends."""
    line = Line(port)
    thread = threading.Thread(target=line.run, daemon=True)
    thread.start()
    line.wait()
    try:
        yield line
    finally:
        line.end()
        thread.join(10)
