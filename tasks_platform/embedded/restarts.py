"""When a server that ended is started again."""

from __future__ import annotations

#: Seconds to wait before the first, second, ... start after lives that were too short; then the supervisor gives up.
DELAYS = (0.0, 0.1, 0.2, 0.5, 1.0)
#: A server that ended before it had answered for this many seconds has failed; a longer life is a new beginning.
SHORT_LIFE = 1.0


def failures_after(failures: int, *, answered_for: float) -> int:
    """Count the failures in a row after a life in which the server answered for this many seconds."""
    return failures + 1 if answered_for < SHORT_LIFE else 0


def delay_before_restart(failures: int) -> float | None:
    """Tell how many seconds to wait after this many failures in a row; None to give up."""
    if failures == 0:
        return 0.0
    return DELAYS[failures - 1] if failures <= len(DELAYS) else None
