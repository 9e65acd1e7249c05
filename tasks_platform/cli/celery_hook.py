"""Lets ``celery -A ...`` know the commands that steer queues and jobs.

Celery asks all installed packages for commands whenever it is started, also for what has nothing to do with the
platform. So this file is installed beside the package, as the module ``tasks_platform_commands``: nothing of the
package may be imported here before a command is called or described.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click


class _Late(click.Group):
    """A group that is imported when it is called or described."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self._group.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._group.get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        return self._group.invoke(ctx)

    @property
    def _group(self) -> click.Group:
        group: click.Group = getattr(import_module(f"tasks_platform.cli.{self.name}"), self.name or "")
        return group


jobs = _Late("jobs", help="Find jobs that wait or run, cancel them, and put them elsewhere.")
queues = _Late("queues", help="See how much waits in queues, pause, resume and purge them.")
