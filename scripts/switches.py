"""Replace a master under load, again and again; show when everybody went on, and what was lost and repeated."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from sentinel_servers import running_sentinels
from switching.ledger import KINDS, read
from switching.trial import UNASKED, WAYS, Scene, Switch, Tally, perform, tally

#: Seconds in which everybody is to be at work again, after the sentinels have named another master.
SOON = 10.0
REPLICAS = 2
#: Those who are told of errors as long as the replicas are missing that they wait for.
SENDERS = ("producer", "results")


@click.command()
@click.option("--switches", default=10, show_default=True, help="How often the master is replaced, in each trial.")
@click.option("--ways", default=",".join(WAYS), show_default=True, help="How, in turn; separated by commas.")
@click.option("--wait-for", default="0,1", show_default=True, help="Trials: how many replicas senders wait for.")
@click.option("--down-after", default=3.0, show_default=True, help="Seconds until sentinels take a server for dead.")
@click.option("--min-replicas", default=0, show_default=True, help="Replicas without which a master takes no writes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(  # noqa: PLR0913 - what a person may say
    *, switches: int, ways: str, wait_for: str, down_after: float, min_replicas: int, as_json: bool
) -> None:
    """Show what switches of the master cost: three sentinels, two replicas, workers of two kinds, a beat, producers.

    Ends with 1 if somebody went on too late, or a job was lost or repeated that no switch explains.
    """
    chosen = list(islice(cycle(ways.split(",")), switches))
    trials: list[tuple[int, list[Switch], Tally]] = []
    options = ("--min-replicas-to-write", str(min_replicas), "--min-replicas-max-lag", "2")
    numbers = [int(number) for number in wait_for.split(",")]
    with Progress(console=Console(stderr=True)) as bar:
        shown = bar.add_task("", total=len(chosen) * len(numbers))
        for number in numbers:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                environment = {"TASKS_REPLICAS__WAIT_FOR": str(number)}
                with running_sentinels(Path(folder), *options, replicas=REPLICAS, down_after=down_after) as servers:
                    scene = Scene(folder=Path(folder), servers=servers, environment=environment)
                    done = perform(scene, chosen, lambda how: bar.update(shown, advance=1, description=how))
                    trials.append((number, done, tally(read(scene.ledger), done, servers.switched())))
    if as_json:
        click.echo(
            json.dumps(
                [{"wait_for": n, "switches": [*map(asdict, s)], "jobs": asdict(t)} for n, s, t in trials], indent=2
            )
        )
    else:
        for number, done, counted in trials:
            Console().print(_times(number, done))
            Console().print(_jobs(number, chosen, counted))
    sys.exit(0 if all(map(_good, trials)) else 1)


def _good(trial: tuple[int, list[Switch], Tally]) -> bool:
    number, switches, counted = trial
    waiting = SENDERS if number >= REPLICAS else ()  # until a server that was replaced is a replica
    late = [
        kind
        for it in switches
        for kind, seconds in it.seconds.items()
        if seconds - it.named > SOON and kind not in waiting
    ]
    return not late and not counted.unexplained


def _times(number: int, switches: Sequence[Switch]) -> Table:
    title = f"Seconds after a switch until work went on; senders wait for {number} replicas; 0: it never stopped"
    table = Table("how", "new master", *KINDS, title=title)
    for it in switches:
        table.add_row(it.how, f"{it.named:.1f}", *(f"{it.seconds[kind]:.1f}" for kind in KINDS))
    return table


def _jobs(number: int, ways: Sequence[str], counted: Tally) -> Table:
    title = f"Senders wait for {number} replicas: {counted.told} told, {counted.unsure} in doubt, {counted.ran} ran"
    table = Table("how", "switches", "lost", "repeated", title=title)
    for how in dict.fromkeys([*ways, UNASKED]):
        table.add_row(how, str(ways.count(how)), str(counted.lost.get(how, 0)), str(counted.repeated.get(how, 0)))
    table.add_row("no switch", "", str(counted.lost.get("", 0)), str(counted.repeated.get("", 0)))
    return table


if __name__ == "__main__":
    main()
