"""Schedules: entries declared beside their tasks, and the beats that fire them.

What needs RedBeat is imported from where it is: most processes only declare.
"""

from tasks_platform.schedules.beats import Beat, beats
from tasks_platform.schedules.declare import Schedule, schedule
from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.firing import trigger
from tasks_platform.schedules.misfire import Misfire
from tasks_platform.schedules.table import declared_entries
from tasks_platform.schedules.when import Cron, Every, When, cron, every

__all__ = [
    "Beat",
    "Cron",
    "Entry",
    "Every",
    "Misfire",
    "Schedule",
    "When",
    "beats",
    "cron",
    "declared_entries",
    "every",
    "schedule",
    "trigger",
]
