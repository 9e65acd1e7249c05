"""``tasks-platform check``: every problem of a configuration at once, and whether its servers answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click
from pydantic import ValidationError
from pydantic_settings import SettingsError as UnreadableVariableError
from rich.text import Text

from tasks_platform.cli.probes import PROBES, Probe
from tasks_platform.cli.secrets import Censor
from tasks_platform.cli.showing import a_console, a_table, printable
from tasks_platform.errors import SettingsError
from tasks_platform.settings import Settings, load_settings


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    #: What was found, or what is wrong and what to do; never a secret.
    words: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_context
def check(ctx: click.Context, *, as_json: bool) -> None:
    """Report every problem of the configuration at once.

    Reads all settings and tries every connection; secrets are never printed.
    """
    findings = list(look())
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = a_table("", "what", "finding")
        for finding in findings:
            verdict = Text("ok", "green") if finding.ok else Text("no", "red")
            table.add_row(verdict, finding.what, printable(finding.words))
        a_console().print(table)
    if not all(finding.ok for finding in findings):
        ctx.exit(1)


def look() -> Iterator[Finding]:
    """Yield what was found, in the order in which a person would mend it."""
    try:
        load_settings()
    except (SettingsError, UnreadableVariableError) as error:
        for problem in str(error).splitlines():
            yield Finding(what="settings", ok=False, words=problem)
    else:
        yield Finding(what="settings", ok=True, words="all can be read")
    settings, wrong = _what_can_be_read()
    if settings is not None:
        censor = Censor(settings)
        for probe in PROBES:
            if not wrong.intersection(probe.needs):
                yield _tried(probe, settings, censor)


def _what_can_be_read() -> tuple[Settings | None, set[str]]:
    """Return the settings with defaults for those that are wrong, and which these are."""
    wrong: set[str] = set()
    try:
        return Settings(), wrong
    except UnreadableVariableError:
        return None, wrong
    except ValidationError as error:
        wrong.update(str(problem["loc"][0]) for problem in error.errors(include_input=False))
    fields = Settings.model_fields
    defaults = {name: fields[name].get_default(call_default_factory=True) for name in wrong if name in fields}
    return Settings(**defaults), wrong


def _tried(probe: Probe, settings: Settings, censor: Censor) -> Finding:
    try:
        return Finding(what=probe.what, ok=True, words=censor(probe.look(settings)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a check reports whatever it meets
        return Finding(what=probe.what, ok=False, words=censor(str(error) or type(error).__name__))
