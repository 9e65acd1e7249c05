"""Hear of the signals that end a program, instead of dying of them."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """Whether this process was told to end, while the block lasts.

    Ctrl-C, TERM or a terminal that is gone ask for it; a second Ctrl-C insists.
    """

    def __init__(self) -> None:
        self.asked = False
        self.insisted = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup stays one
        self._before = {number: signal.signal(number, self._hear) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.insisted = self.insisted or (self.asked and number == signal.SIGINT)
        self.asked = True
