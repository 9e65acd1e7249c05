"""A server that takes what Sentry's SDK sends, as Sentry's ingest does: envelopes, compressed or not."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = "42"
KEY = "0123456789abcdef0123456789abcdef"


@dataclass(kw_only=True)
class Ingest:
    """A running server and what it got."""

    port: int
    #: Each request's body, unpacked.
    bodies: list[bytes] = field(default_factory=list)
    #: Set while requests are answered; cleared, they hang.
    answers: threading.Event = field(default_factory=threading.Event)
    #: Requests that began.
    asked: int = 0

    @property
    def dsn(self) -> str:
        """The address that a client is given."""
        return f"http://{KEY}@127.0.0.1:{self.port}/{PROJECT}"

    @property
    def items(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and content of every item of every envelope, in order."""
        return [item for body in list(self.bodies) for item in _items(body)]

    def events(self, **tags: str) -> list[dict[str, Any]]:
        """Return the error events that carry *tags*."""
        events = [content for kind, content in self.items if kind == "event"]
        return [event for event in events if tags.items() <= (event.get("tags") or {}).items()]

    def check_ins(self, slug: str) -> list[dict[str, Any]]:
        """Return the check-ins of a monitor."""
        return [content for kind, content in self.items if kind == "check_in" and content["monitor_slug"] == slug]


def _items(body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read an envelope: a line about it, then each item as a line about it and its content."""
    _, _, rest = body.partition(b"\n")
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        header = json.loads(line)
        length = header.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        yield header["type"], json.loads(rest[:length])
        rest = rest[length:].lstrip(b"\n")


@contextmanager
def running_ingest() -> Iterator[Ingest]:
    """Run a server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            ingest.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ingest.answers.wait()
            assert self.path == f"/api/{PROJECT}/envelope/"
            assert KEY in self.headers["X-Sentry-Auth"]
            ingest.bodies.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            with suppress(ConnectionError):  # who sent it may be gone
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    ingest = Ingest(port=server.server_address[1])
    ingest.answers.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield ingest
    finally:
        ingest.answers.set()
        server.shutdown()
        thread.join()
        server.server_close()
