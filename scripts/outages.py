"""Kill and cut off what workers need while jobs are at work; show how long until work went on, and who began twice."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from outage_trials import TRIALS, Outcome, Sizes, Stage, stage

POOLS = ("prefork", "threads")


@click.command()
@click.option("--lease", default=Sizes.lease, show_default=True, help="Seconds that a dead worker keeps what it had.")
@click.option("--away", default=Sizes.away, show_default=True, help="Seconds that the network or the server is away.")
@click.option("--job", default=Sizes.job, show_default=True, help="Seconds that the long job takes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(lease: float, away: float, job: float, *, as_json: bool) -> None:
    """Show what an outage costs, with real workers of both kinds.

    Ends with 1 if work went on too late, or a job was begun too often.
    """
    sizes = Sizes(lease=lease, away=away, job=job)
    rows: list[tuple[str, str, Outcome]] = []
    with ThreadPoolExecutor(len(POOLS)) as both, Progress(console=Console(stderr=True)) as bar:
        shown = bar.add_task("", total=len(TRIALS))
        for trial in TRIALS:
            what = trial.__name__.replace("_", " ")
            bar.update(shown, description=what)
            outcomes = both.map(lambda pool, trial=trial: _held(trial, pool, sizes), POOLS)
            rows += [(what, pool, outcome) for pool, outcome in zip(POOLS, outcomes, strict=True)]
            bar.advance(shown)
    if as_json:
        click.echo(json.dumps([{"what": w, "pool": p, **asdict(o), "good": o.good} for w, p, o in rows], indent=2))
    else:
        Console().print(_table(rows, sizes))
    sys.exit(0 if all(outcome.good for *_, outcome in rows) else 1)


def _held(trial: Callable[[Stage], Outcome], pool: str, sizes: Sizes) -> Outcome:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, stage(Path(folder), pool, sizes) as there:
        return trial(there)


def _table(rows: list[tuple[str, str, Outcome]], sizes: Sizes) -> Table:
    title = f"A lease of {sizes.lease:g} s, a job of {sizes.job:g} s, {sizes.away:g} s away"
    table = Table("what was done", "pool", "work went on after", "at most", "starts", "", title=title)
    for what, pool, it in rows:
        table.add_row(
            what, pool, _seconds(it.seconds), _seconds(it.bound), str(it.starts), "good" if it.good else "BAD"
        )
    return table


def _seconds(value: Any) -> str:
    return "it never stopped" if value is None else f"{value:.1f} s"


if __name__ == "__main__":
    main()
