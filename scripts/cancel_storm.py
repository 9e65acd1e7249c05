"""Cancel jobs in the middle of a storm of claims, with real workers; show what was answered, and what was run."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from claim_storm import Storm, storm
from redis_server import running_redis


@click.command()
@click.option("--jobs", default=10_000, show_default=True, help="Jobs of a round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds, each on a server of its own.")
@click.option("--workers", default=2, show_default=True, help="Workers of each kind.")
@click.option("--cancellers", default=6, show_default=True, help="Threads that cancel.")
@click.option("--seed", default=1, show_default=True, help="Of the first round.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(jobs: int, rounds: int, workers: int, cancellers: int, seed: int, *, as_json: bool) -> None:  # noqa: PLR0913
    """Show that no cancelled job runs, and that no other is lost or repeated.

    Ends with 1 if one was.
    """
    results = [_round(jobs, ("threads", "prefork") * workers, cancellers, seed + nth) for nth in range(rounds)]
    rows = [_row(seed + nth, result) for nth, result in enumerate(results)]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        table = Table(*rows[0], title=f"{jobs:,} jobs a round, {2 * workers} workers")
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        Console().print(table)
    faults = [fault for result in results for fault in result.faults]
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(1 if faults else 0)


def _round(jobs: int, pools: tuple[str, ...], cancellers: int, seed: int) -> Storm:
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        return storm(server, Path(folder), jobs=jobs, pools=pools, cancellers=cancellers, seed=seed)


def _row(seed: int, result: Storm) -> dict[str, object]:
    return {
        "seed": seed,
        "cancelled, not begun": result.told("cancelled"),
        "asked to end": result.told("ending"),
        "had ended": result.told("ended"),
        "no answer": result.told("unheard"),
        "run": sum(result.begun.values()),
        "faults": len(result.faults),
        "seconds": round(result.seconds, 1),
    }


if __name__ == "__main__":
    main()
