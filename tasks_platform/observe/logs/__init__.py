"""Logs: every line that is written while a job runs says which job, whoever wrote it."""

from tasks_platform.observe.logs.setup import PlatformLogging

__all__ = ["PlatformLogging"]
