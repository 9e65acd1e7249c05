"""The command ``tasks-platform``."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import click

#: The commands and where they are; a module is imported when its command is called or described.
_COMMANDS: Final = {
    "broker": "tasks_platform.cli.broker",
    "check": "tasks_platform.cli.check",
    "database": "tasks_platform.cli.database",
    "flower": "tasks_platform.cli.flower",
    "flows": "tasks_platform.cli.flows",
    "health": "tasks_platform.cli.health",
    "invoice": "tasks_platform.cli.invoice",
    "keys": "tasks_platform.cli.keys",
    "latency": "tasks_platform.cli.latency",
    "letters": "tasks_platform.cli.letters",
    "new": "tasks_platform.cli.new_project",
    "run": "tasks_platform.cli.invoice",
    "schedules": "tasks_platform.cli.schedules",
    "up": "tasks_platform.cli.up",
    "worker": "tasks_platform.cli.worker",
}


class _Group(click.Group):
    """A group that imports what is called, and shows what goes wrong as a sentence, not as a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _InterruptedError from None
        except Exception as error:
            from tasks_platform.cli.trouble import in_words  # noqa: PLC0415 - imports what may have raised it

            if (words := in_words(error)) is None:
                raise
            raise click.ClickException(words) from error


class _InterruptedError(click.ClickException):
    """Ctrl-C."""

    exit_code = 130  # as shells count it: 128 and the number of SIGINT

    def __init__(self) -> None:
        super().__init__("Interrupted. Nothing is lost: the same command goes on where it was stopped.")

    def show(self, file: Any = None) -> None:
        click.echo(f"\n{self.message}", err=True)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tasks-platform")
def main() -> None:
    """Run and look after background jobs."""
