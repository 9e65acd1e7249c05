"""Flower as people here use it: behind a login, with a memory, and without secrets."""

from tasks_platform.console.options import CONFIG, flower_options

__all__ = ["CONFIG", "flower_options"]
