"""What ``enqueue_many`` saves: the same jobs sent at once and one by one, in one run."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tasks_platform import call, embedded, enqueue_many
from tasks_platform.celery import create_app
from tasks_platform.settings import Settings

#: How much faster it has to be.
BOUND: Final = 2.0


@click.command()
@click.option("--jobs", default=10_000, show_default=True, help="Jobs in a block.")
@click.option("--rounds", default=5, show_default=True, help="Interleaved pairs of blocks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def many(jobs: int, rounds: int, *, as_json: bool) -> None:
    """Compare one call of enqueue_many with as many single calls of delay(), and the same with ids of one's own.

    Ends with 1 where it is less than twice as fast.
    """
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        app = create_app(Settings(redis_url=server.url, business=False, modules="noop"))
        app.loader.import_default_modules()
        client = Redis.from_url(server.url)
        console = Console(stderr=True)
        figures = {
            name: _measure(console, name, client, rounds, blocks)
            for name, blocks in _blocks(app.tasks["bench.reliable"], jobs).items()
        }
    if as_json:
        click.echo(json.dumps({"jobs": jobs, **figures}, indent=2))
    else:
        Console().print(_table(figures, f"{jobs:,} jobs in seconds, medians of {rounds} blocks"))
    if slow := [name for name, row in figures.items() if row["ratio"] < BOUND]:
        sys.exit(f"not {BOUND:g} times as fast: {', '.join(slow)}")


def _table(figures: dict[str, dict[str, float]], title: str) -> Table:
    table = Table("", "one by one", "at once", "times as fast", title=title)
    for name, row in figures.items():
        table.add_row(name, f"{row['single']:.2f}", f"{row['many']:.2f}", f"{row['ratio']:.1f}")
    return table


def _blocks(task: Any, jobs: int) -> dict[str, dict[str, Callable[[], object]]]:
    def with_ids() -> None:
        for number in range(jobs):
            task.apply_async((number, "word"), task_id=f"job-{number}")

    return {
        "without ids": {
            "single": lambda: [task.delay(number, "word") for number in range(jobs)],
            "many": lambda: enqueue_many(call(task, number, "word") for number in range(jobs)),
        },
        "with ids": {
            "single": with_ids,
            "many": lambda: enqueue_many(
                call(task, number, "word").set(task_id=f"job-{number}") for number in range(jobs)
            ),
        },
    }


def _measure(
    console: Console, name: str, client: Redis, rounds: int, blocks: dict[str, Callable[[], object]]
) -> dict[str, float]:
    """Run both blocks in turn; the ratio is the median of the pairs'."""
    seconds: dict[str, list[float]] = {kind: [] for kind in blocks}
    for number in track(range(rounds), name, console=console):
        for kind in sorted(blocks, reverse=bool(number % 2)):
            begun = time.perf_counter()
            blocks[kind]()
            seconds[kind].append(time.perf_counter() - begun)
            client.flushdb()
    pairs = zip(seconds["single"], seconds["many"], strict=True)
    return {
        **{kind: statistics.median(found) for kind, found in seconds.items()},
        "ratio": statistics.median(single / at_once for single, at_once in pairs),
    }
