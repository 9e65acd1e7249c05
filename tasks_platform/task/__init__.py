"""The Celery adapter: the one place where policies meet Celery."""

from tasks_platform.task.base import PlatformTask
from tasks_platform.task.declare import task
from tasks_platform.task.retention import Retention
from tasks_platform.task.tenant import acting_for

__all__ = ["PlatformTask", "Retention", "acting_for", "task"]
