"""Whether a letter that is being sent again is on its way, and as which attempt."""

from __future__ import annotations

from typing import Final

from tasks_platform.letters.message import Letter

#: Seconds after which nobody is waited for who sends a letter again, and of whose try no worker has begun anything.
PATIENCE: Final = 300.0


def next_attempt(letter: Letter) -> int:
    """Return the number of the attempt that a replay of *letter* is; repeated, it is the same."""
    failed = [int(attempt["attempt"]) for attempt in letter["attempts"]]
    return max([int(letter["put_back"]), *failed]) + 1


def is_begun(letter: Letter) -> bool:
    """Tell whether a worker has begun the attempt that a replay of *letter* is."""
    return bool(letter["begun"] >= next_attempt(letter))


def is_on_its_way(letter: Letter, *, now: float) -> bool:
    """Tell whether *letter* is being sent again, as far as is known.

    Whoever sent it may have died before that; once a while has passed without a sign of it, it may be sent again, as
    the same attempt: should a copy be on its way all the same, only one of them is run.
    """
    if letter["state"] != "replaying":
        return False
    return is_begun(letter) or bool(now < letter["replayed_at"] + PATIENCE)
