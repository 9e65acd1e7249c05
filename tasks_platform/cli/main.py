"""The command ``tasks-platform``."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from tasks_platform.cli.speaking import SpeakingGroup

#: The commands and where they are; a module is imported when its command is called or described.
_COMMANDS: Final = {
    "broker": "tasks_platform.cli.broker",
    "check": "tasks_platform.cli.check",
    "database": "tasks_platform.cli.database",
    "flower": "tasks_platform.cli.flower",
    "flows": "tasks_platform.cli.flows",
    "health": "tasks_platform.cli.health",
    "invoice": "tasks_platform.cli.invoice",
    "jobs": "tasks_platform.cli.jobs",
    "keys": "tasks_platform.cli.keys",
    "latency": "tasks_platform.cli.latency",
    "letters": "tasks_platform.cli.letters",
    "new": "tasks_platform.cli.new_project",
    "queues": "tasks_platform.cli.queues",
    "run": "tasks_platform.cli.invoice",
    "schedules": "tasks_platform.cli.schedules",
    "up": "tasks_platform.cli.up",
    "worker": "tasks_platform.cli.worker",
}


class _Group(SpeakingGroup):
    """A group that imports what is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tasks-platform")
def main() -> None:
    """Run and look after background jobs."""
