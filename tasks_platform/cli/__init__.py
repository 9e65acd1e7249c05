"""``tasks-platform ...``; each file is one command."""

from tasks_platform.cli.main import main

__all__ = ["main"]
