"""How many letters of a bug may be sent now, and when no more are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

#: Letters that are sent per second.
DEFAULT_RATE: Final = 50.0
#: So many are sent, and have to end, before more are.
STAGES: Final = (1, 10)
#: Letters of one bug that are on their way at the same time: what a bug can cost that shows itself late.
MOST_OUT: Final = 200


def allowance(*, out: int, well: int, back: int) -> int:
    """Return how many more letters of a group may be sent now, of which *well* have recovered or were skipped.

    1, then 10, then the rest. What was cancelled or given up shows nothing of the bug, and counts for nothing.
    """
    sent, step = out + well + back, 0
    for stage in STAGES:
        step += stage
        if well + back < step:
            return max(0, step - sent)
    return max(0, MOST_OUT - out)


def why_stopped(group: str, died_of: Sequence[str], well: int) -> str:
    """Tell why no more letters of *group* are sent, if so; *died_of* are the fingerprints of those that came back.

    *well* is how many have recovered or were skipped. A fix may move the line of another bug, which then has another
    fingerprint: so a first one that comes back at all stops its group, and so does any fingerprint that is seen twice.
    """
    if group in died_of:
        return "it came back: the bug is not fixed"
    if died_of and not well:
        return f"the first one came back as {died_of[0]}"
    repeated = [fingerprint for fingerprint, count in Counter(died_of).items() if count > 1]
    return f"letters come back as {repeated[0]}" if repeated else ""
