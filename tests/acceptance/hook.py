"""A web server that hears of burials."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hook:
    """A web server that keeps what it is told, and says no as long as it is ill."""

    def __init__(self, *, ill: bool = True) -> None:
        self.told: list[dict[str, Any]] = []
        self.asked = 0
        self.ill = ill
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.asked += 1
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not hook.ill:
                    hook.told.append(body)
                self.send_response(503 if hook.ill else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/letters?token=sesame"

    @contextmanager
    def serving(self) -> Iterator[Hook]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
