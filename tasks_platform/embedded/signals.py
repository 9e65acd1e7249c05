"""Sleep until something happens: a child ends, or this process is told to."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType


class Signals:
    """The signals of a process that does nothing else than watch."""

    def __init__(self) -> None:
        #: Whether SIGTERM came.
        self.told_to_end = False
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._wake)
        signal.signal(signal.SIGTERM, self._end)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)

    def sleep(self, seconds: float) -> None:
        """Wait for a signal, at most this long; one that came before is not missed."""
        if select.select([self._read], [], [], seconds)[0]:
            self._read.recv(4096)

    def _wake(self, number: int, frame: FrameType | None) -> None:
        """Do nothing: that the signal is handled at all ends the sleep."""

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.told_to_end = True
