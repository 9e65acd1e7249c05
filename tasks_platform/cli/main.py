"""The command ``tasks-platform``."""

from __future__ import annotations

from typing import Any

import click

from tasks_platform.cli.check import check
from tasks_platform.cli.flows import flows
from tasks_platform.cli.invoice import invoice, run
from tasks_platform.cli.letters import letters
from tasks_platform.errors import PlatformError


class _Group(click.Group):
    """A group that shows the platform's own errors as sentences, not as tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PlatformError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tasks-platform")
def main() -> None:
    """Run and look after background jobs."""


for command in (check, flows, invoice, letters, run):
    main.add_command(command)
