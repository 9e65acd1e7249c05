"""Operate the dead letters: find, show, edit, replay, discard."""

from tasks_platform.letters.group import Group
from tasks_platform.letters.message import Letter, is_awaited, is_parked
from tasks_platform.letters.page import Page
from tasks_platform.letters.queue import DeadLetterQueue
from tasks_platform.store import Where

__all__ = ["DeadLetterQueue", "Group", "Letter", "Page", "Where", "is_awaited", "is_parked"]
