"""A mail server that says yes, except where its script says otherwise: for what no real server does on demand."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Instead of a reply: the connection breaks here, or nothing more is ever said.
BREAK = "break"
SILENCE = "silence"

_YES = {
    "banner": "220 scripted",
    "EHLO": "250-scripted\r\n250-AUTH PLAIN\r\n250 SIZE 1000000",
    "AUTH": "235 welcome",
    "MAIL": "250 sender fine",
    "RCPT": "250 recipient fine",
    "DATA": "354 go on",
    "content": "250 2.0.0 queued as 42",
    "QUIT": "221 bye",
}


class _Server(socketserver.ThreadingTCPServer):
    def __init__(self, script: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.replies = {**_YES, **script}
        self.ended = threading.Event()


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        going_on = self._say("banner")
        while going_on and (line := self.rfile.readline().decode().strip()):
            verb = line.split()[0].upper()
            address = line[line.find("<") + 1 : line.find(">")]
            going_on = self._say(f"{verb} {address}", verb) and verb != "QUIT"
            if verb == "DATA" and self.server.replies[verb].startswith("354"):
                while self.rfile.readline() != b".\r\n":
                    pass
                going_on = self._say("content")

    def _say(self, *names: str) -> bool:
        """Send the reply to the first of *names* that has one; false when the conversation ends there."""
        reply = next((self.server.replies[name] for name in names if name in self.server.replies), "500 what?")
        if reply == SILENCE:
            self.server.ended.wait()
        elif reply != BREAK:
            self.wfile.write(reply.encode() + b"\r\n")
            return True
        return False


@contextmanager
def scripted_smtp(script: Mapping[str, str]) -> Iterator[int]:
    """Run the server until the block ends and return its port.

    *script* holds other replies by command, ``RCPT ana@kontor.example`` included, or for ``banner`` and ``content``.
    """
    with _Server(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
