"""``tasks-platform letters``: list, groups, audit, show, edit; what sends or drops letters has files of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from tasks_platform.cli.application import application
from tasks_platform.cli.letters_discard import discard
from tasks_platform.cli.letters_filters import Chosen, filters, in_full
from tasks_platform.cli.letters_options import as_json, by, letter_id
from tasks_platform.cli.letters_purge import purge
from tasks_platform.cli.letters_replay import replay
from tasks_platform.cli.letters_replays import replays
from tasks_platform.cli.letters_vouch import vouch
from tasks_platform.cli.showing import a_console
from tasks_platform.cli.showing_letters import print_audit, print_groups, print_letter, print_letters
from tasks_platform.errors import LetterError
from tasks_platform.letters import DeadLetterQueue, Letter
from tasks_platform.sealing import masked
from tasks_platform.store import Place


@click.group()
def letters() -> None:
    """Look after the dead letters.

    They are jobs that will not succeed by themselves, kept with all it takes to send them again.

    LETTER is a job id, or the beginning of one.
    """


class _AfterType(click.ParamType[Place]):
    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        at, _, job_id = value.partition(",")
        try:
            return float(at), job_id
        except ValueError:
            self.fail(f"{value!r} is not what the page before named")


@letters.command("list")
@click.option(
    "--offset", default=0, show_default=True, type=click.IntRange(min=0), help="Leave out the newest so many."
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Show at most so many.")
@click.option("--after", type=_AfterType(), metavar="PLACE", help="Go on where the page before ended.")
@filters
@as_json
def list_(offset: int, limit: int, after: Place | None, *, chosen: Chosen, as_json: bool) -> None:
    """List the dead letters, the newest first.

    Nothing lists letters by the text in their arguments: --text reads 5 000 letters and says where to go on. In JSON
    "after" says so, as --after takes it; null: there are no more.
    """
    if offset and chosen.text is not None:
        raise click.UsageError("--offset does not go with --text.")
    queue = DeadLetterQueue(application())
    chosen = in_full(chosen, queue.groups() if chosen.where.task or chosen.where.fingerprint else ())
    page = queue.page(chosen.where, text=chosen.text, after=after, offset=offset, limit=limit)
    go_on = None if page.after is None else f"{page.after[0]!r},{page.after[1]}"
    if as_json:
        click.echo(json.dumps({"letters": masked(page.letters), "after": go_on}, indent=2))
        return
    if page.letters:
        print_letters(a_console(), page.letters, len(queue) if chosen.everything else None)
    elif go_on is None:
        click.echo(_none(len(queue), chosen))
    if go_on is not None:
        searched = f"{page.searched} letters were searched; " if chosen.text is not None else ""
        click.echo(f"{searched}go on with --after {go_on}", err=True)


@letters.command()
@as_json
def groups(*, as_json: bool) -> None:
    """Group the dead letters by the bug that killed them.

    A bug is the task, the type of the error and the raising line; the one that struck last comes first. When it was
    first seen is known for 90 days after its last letter is gone.
    """
    found = DeadLetterQueue(application()).groups()
    if as_json:
        click.echo(json.dumps([asdict(group) for group in found], indent=2))
    elif found:
        print_groups(a_console(), found)
    else:
        click.echo("There are no dead letters.")


@letters.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="Show at most so many.")
@click.option("--after", default="", metavar="AUDIT_ID", help="Go on where the page before ended.")
@as_json
def audit(limit: int, after: str, *, as_json: bool) -> None:
    """Tell what happened to dead letters, and who did it.

    The newest comes first. Letters are buried, edited, replayed, put back (they could not be sent), recovered (the
    replay succeeded), skipped, cancelled, discarded, vouched for and purged. About the last 100 000 records are kept,
    with 200 characters of what an error says. In JSON "after" says where the next page begins; null: there is none.
    """
    found = DeadLetterQueue(application()).audit(after, limit)
    go_on = found[-1]["audit_id"] if len(found) == limit else None
    if as_json:
        click.echo(json.dumps({"records": found, "after": go_on}, indent=2))
        return
    if found:
        print_audit(a_console(), found)
    else:
        click.echo("Nothing has happened to dead letters." if not after else "There is nothing older.")
    if go_on is not None:
        click.echo(f"go on with --after {go_on}", err=True)


@letters.command()
@letter_id
@as_json
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
@letter_id
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="An argument and its value.")
@click.option("--ask", "asked", multiple=True, metavar="NAME", help="An argument whose value is typed in, unseen.")
@by
@as_json
def edit(letter_id: str, changes: tuple[str, ...], asked: tuple[str, ...], by: str | None, *, as_json: bool) -> None:
    """Change arguments of a dead letter by name.

    VALUE is JSON, or else taken as text; what fits the parameter as text only (--set code=10115) is taken so, too.
    """
    if not (changes or asked):
        raise click.UsageError("Say what to change, with --set or --ask.")
    queue = DeadLetterQueue(application(), by=by)
    texts = dict(_named(change) for change in changes)
    texts |= {name: click.prompt(name, hide_input=True, err=True) for name in asked}
    letter = _edit(queue, letter_id, texts)
    if as_json:
        click.echo(json.dumps(masked(letter), indent=2))
        return
    click.echo(f"{letter['task']}[{letter['id']}] now has")
    for name, value in (queue.arguments(letter) or {}).items():
        click.echo(f"  {name} = {json.dumps(masked(value), ensure_ascii=False)}")


letters.add_command(replay)
letters.add_command(replays)
letters.add_command(purge)
letters.add_command(vouch)
letters.add_command(discard)


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


def _none(count: int, chosen: Chosen) -> str:
    if not count:
        return "There are no dead letters."
    return f"There are only {count} dead letters." if chosen.everything else "No dead letter is like that."


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
