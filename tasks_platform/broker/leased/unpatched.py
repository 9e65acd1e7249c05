"""What gevent does not replace: a thread of the system, its sleep, a lock, and a queue that it may wait at."""

from __future__ import annotations

import _thread
import sys
import time
from _queue import Empty, SimpleQueue
from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ["Empty", "SimpleQueue", "allocate_lock", "sleep", "start_thread"]


def _original(module: ModuleType, name: str) -> Any:
    monkey: Any = sys.modules.get("gevent.monkey")
    return monkey.get_original(module.__name__, name) if monkey is not None else getattr(module, name)


def allocate_lock() -> Any:
    """Return a lock of the system."""
    return _original(_thread, "allocate_lock")()


def sleep(seconds: float) -> None:
    """Let this thread of the system sleep."""
    _original(time, "sleep")(seconds)


def start_thread(run: Callable[[], None]) -> None:
    """Run *run* in a thread of the system, which ends with the process."""
    _original(_thread, "start_new_thread")(run, ())
