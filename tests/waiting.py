"""Wait for what must become true, instead of sleeping for luck."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")

#: Seconds between two looks.
INTERVAL = 0.02


def wait_for(condition: Callable[[], Found], deadline: float = 10.0, description: str = "") -> Found:
    """Return the first truthy answer of *condition*; raise AssertionError when none came within *deadline* seconds.

    *description* completes the sentence "waited in vain for ...".
    """
    end = time.monotonic() + deadline
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= end:
            subject = description or getattr(condition, "__qualname__", repr(condition))
            message = f"waited {deadline:g} s in vain for {subject}; the last answer was {answer!r}"
            raise AssertionError(message)
        time.sleep(INTERVAL)
