"""Which process does what one process does at a time, by a name that tells whether it still lives."""

from __future__ import annotations

import os
import socket
import uuid


def a_claimant() -> str:
    """Return a name for this process: machine, process id, and something that nobody else has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def is_gone(claimant: str) -> bool:
    """Tell whether a process is known to have ended; of another machine's nothing is known."""
    machine, _, rest = claimant.partition(":")
    if machine != socket.gethostname():
        return False
    try:
        os.kill(int(rest.partition(":")[0]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OSError):
        return False
    return False
