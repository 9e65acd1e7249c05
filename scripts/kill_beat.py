"""Kill -9 of beats and restarts of the server while a schedule runs; account for every moment.

Two beats run, one leads; each that is killed is replaced. The server is killed, too, and comes back with what it
acknowledged. Then the diary of the runs and the history of the schedule have to agree on every moment: fired and run
once, or missed and not run, and another beat has to lead within ten seconds of the death of a leader.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from beat_trial import Account, BeatTrial

#: Seconds from the death of a leader until another beat has to lead.
BOUND = 10.0


@click.command()
@click.option("--seconds", default=120, show_default=True, help="How long.")
@click.option("--kills", default=20, show_default=True, help="Beats killed in this time, at random.")
@click.option("--restarts", default=5, show_default=True, help="Restarts of the server in this time, at random.")
@click.option("--failovers", default=5, show_default=True, help="Leaders killed afterwards, to time the next one.")
@click.option("--every", default=2, show_default=True, help="Seconds between two moments, a divisor of sixty.")
@click.option("--seed", default=1, show_default=True)
def main(seconds: int, kills: int, restarts: int, failovers: int, every: int, seed: int) -> None:  # noqa: PLR0913, PLR0917
    """Let beats and the server die, and count."""
    chance = random.Random(seed)  # noqa: S311 - replayable
    deaths = sorted(
        [(chance.uniform(0, seconds), "beat") for _ in range(kills)]
        + [(chance.uniform(0, seconds), "server") for _ in range(restarts)]
    )
    console = Console()
    with (
        tempfile.TemporaryDirectory(prefix="beats-", ignore_cleanup_errors=True) as folder,
        BeatTrial(Path(folder), seconds=every) as trial,
    ):
        begun = time.monotonic()
        for at, victim in deaths:
            time.sleep(max(0.0, begun + at - time.monotonic()))
            if victim == "beat":
                trial.kill_any(chance.randrange(2))
            else:
                trial.restart_server(chance.uniform(0.0, 2.0))
            console.print(f"{time.monotonic() - begun:6.1f} s  killed: {victim}")
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        for _ in range(failovers):
            trial.wait_for_firing()
            trial.wait_for_beats()
            trial.kill_leader()
        account = trial.account()
        console.print(_table(account, trial, kills, restarts))
    sys.exit(1 if account.wrong or max(trial.failovers, default=0.0) > BOUND else 0)


def _table(account: Account, trial: BeatTrial, kills: int, restarts: int) -> Table:
    table = Table("", "number", title="Every moment", title_justify="left")
    table.add_row("beats killed", f"{kills} and {len(trial.failovers)} leaders")
    table.add_row("restarts of the server", str(restarts))
    table.add_row("moments", str(account.fired + account.missed + len(account.wrong)))
    table.add_row("fired, and run once", str(account.fired))
    table.add_row("recorded as missed, and not run", str(account.missed))
    table.add_row("anything else", str(len(account.wrong)))
    for moment, (state, runs) in account.wrong.items():
        table.add_row(f"  {moment}", f"{state}, run {runs} times")
    if trial.failovers:
        median, longest = statistics.median(trial.failovers), max(trial.failovers)
        table.add_row("seconds until the next beat led", f"median {median:.1f}, at most {longest:.1f} of {BOUND:g}")
    return table


if __name__ == "__main__":
    main()
