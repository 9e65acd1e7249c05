"""``tasks-platform letters discard``: one letter, some, or all that match."""

from __future__ import annotations

import json

import click

from tasks_platform.cli.application import application
from tasks_platform.cli.following import FlowProgress
from tasks_platform.cli.letters_filters import Chosen, filters
from tasks_platform.cli.letters_options import as_json, by, dry_run, letter_ids, yes
from tasks_platform.cli.letters_replay import described, question
from tasks_platform.cli.replaying import print_selection
from tasks_platform.cli.showing import a_console
from tasks_platform.errors import LetterError
from tasks_platform.letters import DeadLetterQueue, is_parked
from tasks_platform.letters.replays import Selection, select
from tasks_platform.sealing import masked


@click.command()
@letter_ids
@click.option("--all", "every", is_flag=True, help="All letters, or all that match.")
@filters
@click.option("--force", is_flag=True, help="Also those that are being replayed.")
@dry_run
@yes
@by
@as_json
def discard(  # noqa: PLR0913 - options of a command
    letter_ids: tuple[str, ...],
    chosen: Chosen,
    by: str | None,
    *,
    every: bool,
    force: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Give dead letters up. A flow that waits for one fails.

    What would be given up is shown before anything is. One that is being replayed is kept: it may succeed yet. With
    --force it goes, too, and no worker begins it any more.
    """
    if bool(letter_ids) == every:
        raise click.UsageError("Name letters, or say --all.")
    if not (every or chosen.everything):
        raise click.UsageError("Filters go with --all.")
    queue = DeadLetterQueue(application(), by=by)
    if len(letter_ids) == 1 and not dry_run:
        _discard_one(queue, letter_ids[0], ask=not yes, force=force, as_json=as_json)
        return
    selection = select(question(queue, letter_ids, chosen)[1], also_on_their_way=force)
    if dry_run and as_json:
        click.echo(json.dumps(described(selection), indent=2))
    else:
        print_selection(a_console(stderr=as_json), selection, "would be given up")
    if dry_run or not selection.letters:
        return
    if not yes:
        click.confirm("Give them up? Flows that wait for one of them will fail.", abort=True, err=True)
    _discard_all(queue, selection, force=force, as_json=as_json)


def _discard_one(queue: DeadLetterQueue, letter_id: str, *, ask: bool, force: bool, as_json: bool) -> None:
    letter = queue.show(letter_id)
    if ask:
        waits = letter["flow"] is not None and is_parked(letter)
        flow = f" The flow {letter['flow']} waits for it and will fail." if waits else ""
        click.confirm(f"Give up {letter['task']}[{letter['id']}]?{flow}", abort=True, err=True)
    queue.discard(letter["id"], force=force)
    click.echo(json.dumps(masked(letter), indent=2) if as_json else f"{letter['task']}[{letter['id']}] was discarded")


def _discard_all(queue: DeadLetterQueue, selection: Selection, *, force: bool, as_json: bool) -> None:
    discarded, refusals = 0, []
    with FlowProgress(a_console(stderr=True)) as bars:
        for number, job_id in enumerate(selection.letters, 1):
            try:
                queue.discard(job_id, force=force)
                discarded += 1
            except LetterError as refused:
                refusals.append(str(refused))
            bars.update("Discard", number, len(selection.letters), count=f"{number}/{len(selection.letters)}")
    if as_json:
        click.echo(json.dumps({"discarded": discarded, "refused": refusals}, indent=2))
        return
    click.echo(f"{discarded} dead letters were discarded")
    for refusal in refusals:
        click.echo(refusal, err=True)
