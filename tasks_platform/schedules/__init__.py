"""Schedules: entries declared beside their tasks, and what fires them."""

from tasks_platform.schedules.declare import Schedule, schedule
from tasks_platform.schedules.entry import Entry
from tasks_platform.schedules.misfire import Misfire
from tasks_platform.schedules.table import declared_entries
from tasks_platform.schedules.when import Cron, Every, When, cron, every

__all__ = ["Cron", "Entry", "Every", "Misfire", "Schedule", "When", "cron", "declared_entries", "every", "schedule"]
