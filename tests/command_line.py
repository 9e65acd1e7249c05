"""Call commands of the platform in this process, as a person would in a terminal of some width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner, Result

from tasks_platform.cli import main
from tasks_platform.cli.application import application

if TYPE_CHECKING:
    from collections.abc import Mapping


def call(*words: str, columns: int = 100, given: str | None = None, **variables: str) -> Result:
    """Call ``tasks-platform`` with *words* and these environment variables; what is typed in is *given*."""
    environment: Mapping[str, str] = {**variables, "COLUMNS": str(columns)}
    application.cache_clear()
    try:
        return CliRunner().invoke(main, words, input=given, env=environment)
    finally:
        if application.cache_info().currsize:
            if "store" in vars(application()):  # in a process of its own, its end closes the connections
                application().store.client.close()
            application().close()
        application.cache_clear()


def refusal(result: Result) -> str:
    """Return the sentence with which a command refused; it has to end with 1 and without a traceback."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    first, _, sentence = result.stderr.partition("Error: ")
    assert not first.strip()
    return sentence.strip()
