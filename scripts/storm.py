"""A storm in full: jobs die of three bugs, one is fixed, all are replayed under kills; the runs of each are counted."""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from dead_storm import BUG, BUGGY, FIX, TASKS, Storm
from redis_server import running_redis


@click.command()
@click.option("--jobs", default=2000, show_default=True, help="Jobs of all three kinds together.")
@click.option("--kills", default=6, show_default=True, help="Kills of the process that replays.")
@click.option("--rate", default=100, show_default=True, help="Letters per second.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def main(jobs: int, kills: int, rate: int, seed: int, *, as_json: bool) -> None:
    """Run the storm, and account for every job."""
    console, each = Console(stderr=True), -(-jobs // len(TASKS))
    with tempfile.TemporaryDirectory(prefix="storm-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "redis").mkdir()
        with running_redis(Path(folder) / "redis", "--appendonly", "yes") as server:
            storm, begun = Storm(folder=Path(folder), url=server.url), time.monotonic()
            storm.deploy(BUGGY)
            with storm.worker("buggy"):
                storm.bury(each)
            buried = time.monotonic() - begun
            console.print(f"{each * len(TASKS)} jobs are dead after {buried:.0f} s")
            groups = storm.command("letters", "groups")
            storm.deploy(BUGGY.replace(BUG, FIX))
            with storm.worker("fixed"):
                ended, killed = storm.replay(kills=kills, rate=rate, jobs=each, chance=random.Random(seed))  # noqa: S311 - replayable
            seconds = time.monotonic() - begun - buried
            outcome = counted(storm, ended, each)
    good = len(groups) == len(TASKS) and killed == kills and all(row["good"] for row in outcome)
    figures = {"groups": len(groups), "killed": killed, "buried_s": buried, "replayed_s": seconds, "bugs": outcome}
    if as_json:
        click.echo(json.dumps({**figures, "good": good}, indent=2))
    else:
        table = Table("bug", "letters", "recovered", "came back", "not sent", "runs of a job: how many", "")
        for row in outcome:
            runs = ", ".join(f"{count} x {number}" for number, count in row["runs"].items())
            numbers = (row[name] for name in ("letters", "recovered", "back", "todo"))
            table.add_row(row["task"], *map(str, numbers), runs, "good" if row["good"] else "BAD")
        console.print(table)
        console.print(f"{killed} kills of the replay, which took {seconds:.0f} s")
    sys.exit(0 if good else 1)


def counted(storm: Storm, ended: Any, each: int) -> list[dict[str, Any]]:
    """Compare what the replay says of each bug with what the jobs wrote down."""
    runs, rows = storm.runs(), []
    for group in ended["groups"]:
        name = group["task"].rpartition(".")[2]
        counts = Counter(runs[f"{name}:{number}"] for number in range(each))
        wanted = {2: each} if name == TASKS[0] else {1: each - 1, 2: 1}
        row = {"task": name, **{key: group[key] for key in ("letters", "recovered", "back", "todo", "stopped")}}
        rows.append({**row, "runs": dict(counts), "good": dict(counts) == wanted})
    return rows


if __name__ == "__main__":
    main()
