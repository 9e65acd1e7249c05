"""Replay many dead letters: one of each bug first, then ten, then the rest."""

from tasks_platform.letters.replays.known import KnownReplay, known_replays, unfinished
from tasks_platform.letters.replays.pace import DEFAULT_RATE
from tasks_platform.letters.replays.run import ReplayRun
from tasks_platform.letters.replays.selection import Selection, select
from tasks_platform.letters.replays.value import GroupStatus, ReplayStatus

__all__ = [
    "DEFAULT_RATE",
    "GroupStatus",
    "KnownReplay",
    "ReplayRun",
    "ReplayStatus",
    "Selection",
    "known_replays",
    "select",
    "unfinished",
]
