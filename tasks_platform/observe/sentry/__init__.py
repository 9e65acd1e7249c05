"""Sentry: one issue per bug, from deaths alone; retries are no errors; check-ins say how scheduled jobs ended."""

from tasks_platform.observe.sentry.client import begin, flush

__all__ = ["begin", "flush"]
