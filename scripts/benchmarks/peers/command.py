"""``scripts/bench peers``."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from peers import environments
from peers.catalog import Participant, PeerError, participants
from peers.figures import figures, ratios
from peers.measures import Values
from peers.plan import Bench, Sizes
from peers.plot import plot
from peers.server import running_server
from peers.table import markdown, tables


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Interleaved rounds; figures are their medians.")
@click.option("--only", multiple=True, help="Leave out all others; may be repeated.")
@click.option(
    "--jobs", default=2000, show_default=True, help="Jobs of a block, at least; fast ones get up to 10 times."
)
@click.option("--seconds", default=0.7, show_default=True, help="What a block should take.")
@click.option(
    "--processes",
    type=click.IntRange(1, 2),
    multiple=True,
    default=(1, 2),
    show_default=True,
    help="Worker processes; may be repeated.",
)
@click.option("--latencies", default=40, show_default=True, help="Single jobs in a round, to a worker that is idle.")
@click.option("--sleeps", default=2000, show_default=True, help="Sleeps of 50 ms in one process; 0 leaves them out.")
@click.option("--delayed", default=100_000, show_default=True, help="Jobs due in an hour, once; 0 leaves them out.")
@click.option("--counted", default=500, show_default=True, help="Jobs whose commands are counted, once; 0 for none.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all values to this file.")
@click.option("--plot", "plot_file", type=click.Path(path_type=Path), help="Draw the rates into this SVG file.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the tables for the README.")
def peers(
    *,
    rounds: int,
    only: tuple[str, ...],
    json_file: Path | None,
    plot_file: Path | None,
    as_markdown: bool,
    **sizes: Any,
) -> None:
    """Give the same work to plain Celery, to this platform and to other job systems, side by side on one Redis server.

    Other systems are installed once, into the user's cache. What cannot be installed, or fails, is left out and named.
    Ctrl-C ends everything and shows what was measured so far.
    """
    console = Console(stderr=True)
    chosen = _chosen(only)
    values: dict[str, Values] = {}
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as (port, server):
        bench = Bench(port, Sizes(**sizes))
        try:
            _measure(console, bench, chosen, rounds, values, left_out)
        except KeyboardInterrupt:
            console.print("ended: the figures are of what was measured so far")
        bench.close()
    titles = {one.name: one for one in chosen if one.name in values}
    found = {name: figures(them) for name, them in values.items()}
    compared = ratios(values)
    if json_file is not None:
        told = {"rounds": rounds, **sizes, "server": server}
        rows = {name: {"figures": found[name], "ratios": compared[name], "values": values[name]} for name in titles}
        json_file.write_text(json.dumps({**told, "left out": left_out, "participants": rows}, indent=2) + "\n")
    if plot_file is not None:
        plot_file.write_text(plot(titles, found))
    if as_markdown:
        click.echo(markdown(titles, found, compared))
    else:
        for table in tables(titles, found, compared):
            Console(width=None if sys.stdout.isatty() else 200).print(table)
    if not values:
        sys.exit("nobody was measured")


def _chosen(only: tuple[str, ...]) -> list[Participant]:
    everybody = participants()
    if unknown := set(only) - {one.name for one in everybody}:
        names = ", ".join(one.name for one in everybody)
        raise click.BadParameter(f"nobody is called {', '.join(sorted(unknown))}; there are {names}")
    return [one for one in everybody if not only or one.name in only]


def _measure(  # noqa: PLR0913, PLR0917 - what is known, and what is found out
    console: Console,
    bench: Bench,
    chosen: list[Participant],
    rounds: int,
    values: dict[str, Values],
    left_out: dict[str, str],
) -> None:
    each, once = bench.pieces()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("installing", total=len(chosen) * (1 + each * rounds + once))

        def take(one: Participant, pieces: Iterator[Values], what: str) -> None:
            if one.name in left_out:
                return
            bars.update(bar, description=f"{what}: {one.name}")
            try:
                for found in pieces:
                    for name, them in found.items():
                        values.setdefault(one.name, {}).setdefault(name, []).extend(them)
                    bars.advance(bar)
            except PeerError as error:
                left_out[one.name] = str(error)
                console.print(f"{one.name} is left out: {error}", markup=False, highlight=False, soft_wrap=True)

        for one in chosen:
            take(one, _installed(one), "installing")
        for one in chosen:
            take(one, bench.once(one), "once")
        for number in range(rounds):
            for one in sorted(chosen, key=chosen.index, reverse=bool(number % 2)):
                take(one, bench.round(one), f"round {number + 1}")


def _installed(one: Participant) -> Iterator[Values]:
    environments.install(one)
    yield {}
