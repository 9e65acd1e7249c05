"""Operate the dead letters: list, show, edit, replay, discard."""

from tasks_platform.letters.message import Letter, is_awaited, is_parked
from tasks_platform.letters.queue import DeadLetterQueue

__all__ = ["DeadLetterQueue", "Letter", "is_awaited", "is_parked"]
