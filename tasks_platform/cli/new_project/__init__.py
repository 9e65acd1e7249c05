"""``tasks-platform new``: a small working project to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from tasks_platform.cli.new_project.names import check_name
from tasks_platform.cli.new_project.writing import write_project


@click.command()
@click.argument("name")
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), help="The folder to make; NAME in this one without it."
)
def new(name: str, into: Path | None) -> None:
    """Write a small working project to begin with.

    It has tasks, a producer, settings, tests, and the command that runs a worker.

    NAME is the name of its Python package, for example shop.
    """
    check_name(name)
    folder = into or Path(name)
    for path in write_project(name, folder):
        click.echo(f"  {path}")
    click.echo(f"\nThe project {name} is ready. A worker, and then its tests:\n\n  cd {folder}\n  ./worker\n  pytest")


__all__ = ["new"]
