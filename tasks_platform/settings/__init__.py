"""One frozen object; the only reader of the environment (``TASKS_*``). A file per group of settings."""

from tasks_platform.settings.durations import Duration
from tasks_platform.settings.flower import Flower
from tasks_platform.settings.group import Group
from tasks_platform.settings.health import Health
from tasks_platform.settings.letters import Letters
from tasks_platform.settings.loading import load_settings, problems_in_words
from tasks_platform.settings.logs import Logs
from tasks_platform.settings.objectives import Objectives
from tasks_platform.settings.platform import Settings, user_state_folder
from tasks_platform.settings.schedules import Schedules
from tasks_platform.settings.sealing import Sealing
from tasks_platform.settings.sentry import Sentry
from tasks_platform.settings.signing import Signing
from tasks_platform.settings.smtp import Smtp
from tasks_platform.settings.workers import WorkerClass

__all__ = [
    "Duration",
    "Flower",
    "Group",
    "Health",
    "Letters",
    "Logs",
    "Objectives",
    "Schedules",
    "Sealing",
    "Sentry",
    "Settings",
    "Signing",
    "Smtp",
    "WorkerClass",
    "load_settings",
    "problems_in_words",
    "user_state_folder",
]
