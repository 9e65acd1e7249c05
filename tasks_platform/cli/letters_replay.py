"""``tasks-platform letters replay``: one letter, some, or all that match."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from tasks_platform.cli.application import application, import_tasks
from tasks_platform.cli.letters_filters import Chosen, filters, in_full
from tasks_platform.cli.letters_options import as_json, by, dry_run, letter_ids, yes
from tasks_platform.cli.replaying import follow_replay, print_selection
from tasks_platform.cli.showing import a_console
from tasks_platform.letters import DeadLetterQueue, Letter, is_awaited, is_parked
from tasks_platform.letters.replays import DEFAULT_RATE, ReplayRun, Selection, select, unfinished
from tasks_platform.sealing import masked


@click.command()
@letter_ids
@click.option("--all", "every", is_flag=True, help="All letters, or all that match.")
@filters
@click.option("--resume", metavar="REPLAY", help="Go on with a replay of many that was interrupted.")
@click.option(
    "--rate", default=DEFAULT_RATE, show_default=True, type=click.FloatRange(0.01, 10_000), help="Letters per second."
)
@dry_run
@yes
@click.option("--work", is_flag=True, help="Run a worker here, and a mailbox if no mail server is set, until it ends.")
@by
@as_json
@click.pass_context
def replay(  # noqa: PLR0913 - options of a command
    ctx: click.Context,
    *,
    letter_ids: tuple[str, ...],
    chosen: Chosen,
    resume: str | None,
    rate: float,
    by: str | None,
    every: bool,
    dry_run: bool,
    yes: bool,
    work: bool,
    as_json: bool,
) -> None:
    """Send dead letters again. A parked step goes on with its flow when it succeeds.

    Of many letters, one of each bug is sent first, and when it has recovered ten, and then the rest. When one comes
    back with the same bug, no more of these are sent; the others go on. The exit code is 1 if not all recovered.

    What would be sent is shown before anything is. A replay that was interrupted or killed goes on, with the letters
    that it was begun with, when the same command is given again ("--since 12h" is the same later, too), or with
    --resume; nothing is sent twice. 'replays' lists them.
    """
    if [len(letter_ids) > 0, every, resume is not None].count(True) != 1:
        raise click.UsageError("Name letters, or say --all, or --resume and which replay.")
    if not (every or chosen.everything):
        raise click.UsageError("Filters go with --all.")
    if len(letter_ids) == 1 and not dry_run:
        _replay_one(letter_ids[0], by, work=work, as_json=as_json)
        return
    if work:
        raise click.UsageError("--work takes one letter.")
    queue = DeadLetterQueue(application(), by=by)
    replay_id = resume or _begun(queue, letter_ids, chosen, rate, ask=not yes, dry_run=dry_run, as_json=as_json)
    if replay_id is None:
        return
    ended = follow_replay(ReplayRun(queue, replay_id, rate=rate), a_console(stderr=True))
    if as_json:
        click.echo(json.dumps(asdict(ended), indent=2))
    if ended.count("recovered") < ended.count("letters"):
        ctx.exit(1)


def _begun(  # noqa: PLR0913 - options of a command
    queue: DeadLetterQueue,
    letter_ids: Sequence[str],
    chosen: Chosen,
    rate: float,
    *,
    ask: bool,
    dry_run: bool,
    as_json: bool,
) -> str | None:
    """Return the replay to run: one that was interrupted, or a new one; None if there is nothing to do."""
    asked, letters = question(queue, letter_ids, chosen)
    if not dry_run and (begun := unfinished(queue.store, asked)) is not None:
        at = datetime.fromtimestamp(begun["created_at"], UTC).astimezone()
        click.echo(f"replay {begun['id']}, begun {at:%Y-%m-%d %H:%M}, was interrupted: it goes on", err=True)
        return str(begun["id"])
    selection = select(letters)
    if dry_run and as_json:
        click.echo(json.dumps(described(selection), indent=2))
    else:
        print_selection(a_console(stderr=as_json), selection, "would be sent again")
    if dry_run or not selection.letters:
        return None
    if ask:
        bugs = len(selection.facts)
        of_each = "" if bugs == 1 else " of each"
        click.confirm(f"Send one{of_each}, then 10, then the rest, {rate:g} per second?", abort=True, err=True)
    replay_id = selection.write_down(queue.store, asked)
    click.echo(f"replay {replay_id}", err=True)
    return replay_id


def question(
    queue: DeadLetterQueue, letter_ids: Sequence[str], chosen: Chosen
) -> tuple[dict[str, Any], Iterable[Letter]]:
    """Return what was asked for, and the letters that it means."""
    if letter_ids:
        letters = [queue.show(letter_id) for letter_id in letter_ids]
        return {"letters": sorted(letter["id"] for letter in letters)}, letters
    chosen = in_full(chosen, queue.groups())
    return chosen.asked, queue.all(chosen.where, text=chosen.text)


def described(selection: Selection) -> dict[str, Any]:
    """Return what would be done, for machines."""
    groups = [
        {name: getattr(group, name) for name in ("fingerprint", "letters", "task", "error", "message", "line")}
        for group in selection.groups()
    ]
    return {"letters": len(selection.letters), "left_out": selection.left_out, "groups": groups}


def _replay_one(letter_id: str, by: str | None, *, work: bool, as_json: bool) -> None:
    if not work:
        _send(DeadLetterQueue(application(), by=by), letter_id, as_json=as_json)
        return
    # what only a command that runs workers needs
    from tasks_platform.cli.following import follow_to_the_end  # noqa: PLC0415 - see above
    from tasks_platform.settings import load_settings  # noqa: PLC0415 - see above
    from tasks_platform.up import LocalPlatform  # noqa: PLC0415 - see above

    platform = LocalPlatform(load_settings())
    import_tasks(platform.app)
    with platform:
        letter = _send(DeadLetterQueue(platform.app, by=by), letter_id, as_json=as_json)
        follow_to_the_end(platform, letter, a_console(stderr=as_json))


def _send(queue: DeadLetterQueue, letter_id: str, *, as_json: bool) -> Letter:
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
