"""SpeakingGroup: a group of commands that shows what goes wrong as a sentence, not as a traceback."""

from __future__ import annotations

from typing import Any

import click


class SpeakingGroup(click.Group):
    """Says what happened, and what to do."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
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
