"""Logs and Sentry: they watch, they never steer. Imported by assembly and the faces alone."""

from tasks_platform.observe.attach import attach

__all__ = ["attach"]
