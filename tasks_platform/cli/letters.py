"""``tasks-platform letters``: list, show, edit, replay, discard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from tasks_platform.cli.application import application, import_tasks
from tasks_platform.cli.showing import a_console, printable
from tasks_platform.cli.showing_letters import print_letter, print_letters
from tasks_platform.errors import LetterError
from tasks_platform.letters import DeadLetterQueue, Letter, is_awaited, is_parked
from tasks_platform.sealing import masked

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
_letter = click.argument("letter_id", metavar="LETTER")


@click.group()
def letters() -> None:
    """Look after the dead letters.

    They are jobs that will not succeed by themselves, kept with all it takes to send them again.

    LETTER is a job id, or the beginning of one.
    """


@letters.command("list")
@click.option(
    "--offset", default=0, show_default=True, type=click.IntRange(min=0), help="Leave out the newest so many."
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Show at most so many.")
@_json
def list_(offset: int, limit: int, *, as_json: bool) -> None:
    """List the dead letters, the newest first."""
    queue = DeadLetterQueue(application())
    found = queue.list(offset, limit)
    if as_json:
        click.echo(json.dumps(masked(found), indent=2))
    elif found:
        print_letters(a_console(), found, len(queue))
    else:
        click.echo(f"There are only {len(queue)} dead letters." if len(queue) else "There are no dead letters.")


@letters.command()
@_letter
@_json
def show(letter_id: str, *, as_json: bool) -> None:
    """Show one dead letter.

    Its arguments by the names that edit takes, every attempt, the cause and the traceback.
    """
    queue = DeadLetterQueue(application())
    letter = queue.show(letter_id)
    if as_json:
        click.echo(json.dumps(masked(letter), indent=2))
    else:
        print_letter(a_console(), letter, queue.arguments(letter))


@letters.command()
@_letter
@click.option("--set", "changes", multiple=True, required=True, metavar="NAME=VALUE", help="An argument and its value.")
@_json
def edit(letter_id: str, changes: tuple[str, ...], *, as_json: bool) -> None:
    """Change arguments of a dead letter by name.

    VALUE is JSON, or else taken as text; what fits the parameter as text only (--set code=10115) is taken so, too.
    """
    queue = DeadLetterQueue(application())
    texts = dict(_named(change) for change in changes)
    letter = _edit(queue, letter_id, texts)
    if as_json:
        click.echo(json.dumps(masked(letter), indent=2))
        return
    click.echo(f"{letter['task']}[{letter['id']}] now has")
    for name, value in (queue.arguments(letter) or {}).items():
        click.echo(f"  {name} = {json.dumps(masked(value), ensure_ascii=False)}")


@letters.command()
@_letter
@click.option("--work", is_flag=True, help="Run a worker here, and a mailbox if no mail server is set, until it ends.")
@_json
def replay(letter_id: str, *, work: bool, as_json: bool) -> None:
    """Send a dead letter again. A parked step goes on with its flow when it succeeds."""
    if not work:
        _replay(DeadLetterQueue(application()), letter_id, as_json=as_json)
        return
    # what only a command that runs workers needs
    from tasks_platform.cli.following import follow_to_the_end  # noqa: PLC0415 - see above
    from tasks_platform.settings import load_settings  # noqa: PLC0415 - see above
    from tasks_platform.up import LocalPlatform  # noqa: PLC0415 - see above

    platform = LocalPlatform(load_settings())
    import_tasks(platform.app)
    with platform:
        letter = _replay(DeadLetterQueue(platform.app), letter_id, as_json=as_json)
        follow_to_the_end(platform, letter, a_console(stderr=as_json))


@letters.command()
@_letter
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def vouch(letter_id: str, *, yes: bool, as_json: bool) -> None:
    """Sign and send a message that was not trusted.

    For a genuine message of a sender that has no key yet: it is signed as it came, with the key of this process.
    """
    queue = DeadLetterQueue(application())
    letter = queue.show(letter_id)
    if not yes:
        question = f"{letter['task']}[{letter['id']}] is {letter['cause']['message']}. Sign it, and let it run?"
        click.confirm(printable(question), abort=True, err=True)
    queue.vouch(letter["id"])
    done = f"{letter['task']}[{letter['id']}] was signed and sent"
    click.echo(json.dumps(masked(letter), indent=2) if as_json else printable(done))


@letters.command()
@_letter
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def discard(letter_id: str, *, yes: bool, as_json: bool) -> None:
    """Give a dead letter up. A flow that waits for it fails."""
    queue = DeadLetterQueue(application())
    letter = queue.show(letter_id)
    if not yes:
        waits = letter["flow"] is not None and is_parked(letter)
        flow = f" The flow {letter['flow']} waits for it and will fail." if waits else ""
        click.confirm(f"Give up {letter['task']}[{letter['id']}]?{flow}", abort=True, err=True)
    queue.discard(letter["id"])
    click.echo(json.dumps(masked(letter), indent=2) if as_json else f"{letter['task']}[{letter['id']}] was discarded")


def _edit(queue: DeadLetterQueue, letter_id: str, texts: Mapping[str, str]) -> Letter:
    """Take the values as JSON; where that does not fit, take numbers and the like as the text they were given as."""
    values = {name: _value(text) for name, text in texts.items()}
    try:
        return queue.edit(letter_id, values)
    except LetterError:
        as_text = {name: value if isinstance(value, (dict, list)) else texts[name] for name, value in values.items()}
        if as_text == values:
            raise
        try:
            return queue.edit(letter_id, as_text)
        except LetterError:
            pass
        raise


def _replay(queue: DeadLetterQueue, letter_id: str, *, as_json: bool) -> Letter:
    letter = queue.replay(letter_id)
    click.echo(json.dumps(masked(letter), indent=2) if as_json else f"{letter['task']}[{letter['id']}] {_how(letter)}")
    return letter


def _how(letter: Letter) -> str:
    """Say what a replay of *letter* does."""
    if not is_awaited(letter):
        return "was sent again"
    if not is_parked(letter):
        return "was sent again and is run alone: what it was part of has failed with it"
    if letter["flow"] is not None:
        return f"was sent again and goes on with its flow {letter['flow']}"
    return "was sent again and goes on with what waits for it"


def _named(change: str) -> tuple[str, str]:
    name, equals, text = change.partition("=")
    if not equals or not name:
        raise LetterError(f"--set {change!r}: it is NAME=VALUE")
    return name.strip(), text


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
