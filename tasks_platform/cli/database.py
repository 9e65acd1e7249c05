"""``tasks-platform database``: the tables of the books."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tasks_platform.cli.secrets import checked_url, without_secrets
from tasks_platform.services.books import Database
from tasks_platform.services.books.schema import NEWEST
from tasks_platform.settings import load_settings

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


@click.group()
def database() -> None:
    """Look after the tables of the books.

    The SQLite file in the state folder brings itself up to date. A database that TASKS_DATABASE_URL names is brought up
    to date by `database upgrade`, before the programs that need it start.
    """


@database.command()
@_json
def upgrade(*, as_json: bool) -> None:
    """Bring the tables up to date.

    May be repeated, and called on several machines at once: one does it, the others wait. Revisions only add, so that
    programs of the version before go on working.
    """
    url = checked_url(load_settings().database)
    with _opened(url) as books:
        new, revision = books.upgrade(), books.revision
    if as_json:
        click.echo(json.dumps({"revision": revision, "new": new}))
    elif new:
        click.echo(f"{without_secrets(url)} is at revision {revision} now (new: {', '.join(new)})")
    else:
        click.echo(f"{without_secrets(url)} is at revision {revision}: nothing to do")


@database.command()
@_json
@click.pass_context
def show(ctx: click.Context, *, as_json: bool) -> None:
    """Tell at which revision the tables are.

    The exit code is 1 if `database upgrade` has something to do.
    """
    url = checked_url(load_settings().database)
    with _opened(url) as books:
        found = books.revision
    behind = found is None or found < NEWEST
    if as_json:
        click.echo(json.dumps({"revision": found, "newest": NEWEST, "behind": behind}))
    else:
        state = "has no tables" if found is None else f"is at revision {found}"
        todo = f"; run 'tasks-platform database upgrade' for revision {NEWEST}" if behind else ""
        click.echo(f"{without_secrets(url)} {state}{todo}")
    if behind:
        ctx.exit(1)


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    """Open the books as they are, and leave no connection behind."""
    books = Database(url)
    try:
        yield books
    finally:
        books.dispose()
