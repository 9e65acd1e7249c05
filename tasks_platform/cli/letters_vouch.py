"""``tasks-platform letters vouch``."""

from __future__ import annotations

import json

import click

from tasks_platform.cli.application import application
from tasks_platform.cli.letters_options import as_json, by, letter_id, yes
from tasks_platform.cli.showing import printable
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.sealing import masked


@click.command()
@letter_id
@yes
@by
@as_json
def vouch(letter_id: str, by: str | None, *, yes: bool, as_json: bool) -> None:
    """Sign and send a message that was not trusted.

    For a genuine message of a sender that has no key yet: it is signed as it came, with the key of this process.
    """
    queue = DeadLetterQueue(application(), by=by)
    letter = queue.show(letter_id)
    if not yes:
        question = f"{letter['task']}[{letter['id']}] is {letter['cause']['message']}. Sign it, and let it run?"
        click.confirm(printable(question), abort=True, err=True)
    queue.vouch(letter["id"])
    done = f"{letter['task']}[{letter['id']}] was signed and sent"
    click.echo(json.dumps(masked(letter), indent=2) if as_json else printable(done))
