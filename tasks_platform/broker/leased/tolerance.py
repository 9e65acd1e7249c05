"""Tolerance: what a server refuses keeps nothing else waiting, and is told once."""

from __future__ import annotations

import logging
from collections.abc import Callable

import redis

log = logging.getLogger(__name__)


class Tolerance:
    """What a server has refused, and with which words: a right is missing, a key holds something else."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def unless_refused(self, what: str, action: Callable[[], object]) -> None:
        """Do *action*; where the server refuses it, say that *what* is not done, again only when its words change."""
        try:
            action()
        except redis.ResponseError as refused:
            if self._told.get(what) != str(refused):
                self._told[what] = str(refused)
                log.error("%s cannot be seen to just now: %s", what, refused)  # noqa: TRY400
