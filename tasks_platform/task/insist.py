"""Broker or store trouble passes: what was decided is tried again for a while before a message goes back."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Final, TypeVar

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

T = TypeVar("T")
log = logging.getLogger(__name__)

#: What Redis or a broker raises that is away, full, read-only or still loading.
TROUBLE: Final = (OperationalError, RedisError, ConnectionError, TimeoutError)
#: Seconds to go on trying.
PATIENCE: Final = 60.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


def insist(action: Callable[[], T], patience: float | None = None) -> T:
    """Do *action*, again while the broker or the store is in trouble; after *patience* seconds its error is raised."""
    give_up = time.monotonic() + (PATIENCE if patience is None else patience)
    pause = _FIRST_PAUSE
    while True:
        try:
            return _do(action)
        except TROUBLE as trouble:
            if time.monotonic() >= give_up:
                raise
            log.warning("tried again in %.1f s: %r", pause, trouble)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _do(action: Callable[[], T]) -> T:
    try:
        return action()
    except AttributeError as error:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith("kombu."):
            # what kombu's Redis transport answers with while it replaces a broken connection
            raise OperationalError(f"the broker's connection is closed: {error}") from error
        raise
