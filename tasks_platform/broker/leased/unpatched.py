"""What gevent does not replace: a thread of the system, a lock, and a queue that it may wait at."""

from __future__ import annotations

import _thread
import sys
from _queue import Empty, SimpleQueue
from collections.abc import Callable
from typing import Any

__all__ = ["Empty", "SimpleQueue", "allocate_lock", "start_thread"]


def _original(name: str) -> Any:
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey.get_original("_thread", name) if monkey is not None else getattr(_thread, name)


def allocate_lock() -> Any:
    """Return a lock of the system."""
    return _original("allocate_lock")()


def start_thread(run: Callable[[], None]) -> None:
    """Run *run* in a thread of the system, which ends with the process."""
    _original("start_new_thread")(run, ())
