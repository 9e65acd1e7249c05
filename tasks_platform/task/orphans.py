"""A pool's processes end with their worker: what they would go on with is given to another one."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any, Final

from celery.signals import worker_process_init

_SET_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG, see prctl(2)


@worker_process_init.connect
def end_with_the_worker(**_: Any) -> None:
    """Let the kernel kill this process when the one dies that has started it; where there is such a thing, on Linux."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it was too late
        os.kill(os.getpid(), signal.SIGKILL)
