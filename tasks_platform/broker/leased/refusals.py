"""Refusals: a server that answers with errors is asked again, but not at once."""

from __future__ import annotations

import logging
import time
from typing import Final

log = logging.getLogger(__name__)
#: Seconds until a server is asked again that refused.
_PAUSE: Final = 1.0


class Refusals:
    """What a server has refused: its disk is full, a replica is missing, a right was not granted."""

    def __init__(self) -> None:
        #: The last error of each command that is refused.
        self._said: dict[str, str] = {}
        self._until = 0.0

    @property
    def pause(self) -> float:
        """For how many seconds the server is left alone."""
        return max(0.0, self._until - time.monotonic())

    def refused(self, command: str, error: Exception) -> None:
        """Leave the server alone for a while; say the same once."""
        self._until = time.monotonic() + _PAUSE
        if self._said.get(command) != str(error):
            self._said[command] = str(error)
            log.error("the server refuses %s; no messages come, and it is asked every %g s: %s", command, _PAUSE, error)

    def answered(self, command: str) -> None:
        """Note that *command* is not refused any more."""
        if self._said.pop(command, None) is not None:
            log.warning("the server takes %s again", command)
