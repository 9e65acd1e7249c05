"""How fast jobs are sent: one by one and at once, beside plain Celery's ``delay()``, in one run."""

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
from celery import Celery
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tasks_platform import call, embedded, enqueue_many
from tasks_platform.celery import create_app
from tasks_platform.settings import Settings

#: What everything is compared with.
PLAIN: Final = "plain Celery, delay()"
#: How many times as fast as that it has to be.
BOUNDS: Final = {"bare task, delay()": 3.0, "ReliableTask, delay()": 3.0, "ReliableTask, enqueue_many()": 8.0}

Block = Callable[[], object]


@click.command()
@click.option("--jobs", default=2_000, show_default=True, help="Jobs in a block.")
@click.option("--rounds", default=9, show_default=True, help="Interleaved rounds of all blocks.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def publish(jobs: int, rounds: int, *, as_json: bool) -> None:
    """Compare ways to send jobs with plain Celery's delay().

    Ends with 1 where delay() is less than three times as fast, or enqueue_many() less than eight times.
    """
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        blocks = _blocks(server.url, jobs)
        client = Redis.from_url(server.url)
        seconds: dict[str, list[float]] = {name: [] for name in blocks}
        for number in track(range(rounds + 1), "rounds", console=Console(stderr=True)):
            for name in sorted(blocks, reverse=bool(number % 2)):
                begun = time.perf_counter()
                blocks[name]()
                seconds[name].append(time.perf_counter() - begun)
                client.flushdb()
    figures = {name: _figures(times[1:], seconds[PLAIN][1:], jobs) for name, times in seconds.items()}
    if as_json:
        click.echo(json.dumps({"jobs": jobs, "rounds": rounds, "figures": figures}, indent=2))
    else:
        Console().print(_table(figures, f"{jobs:,} jobs, medians of {rounds} interleaved rounds"))
    if slow := [name for name, bound in BOUNDS.items() if figures[name]["ratio"] < bound]:
        sys.exit(f"a bound is missed: {', '.join(slow)}")


def _blocks(url: str, jobs: int) -> dict[str, Block]:
    plain = _plain_task(url)
    app = create_app(Settings(redis_url=url, business=False, modules="noop"))
    app.loader.import_default_modules()
    bare: Any = app.tasks["bench.bare"]
    reliable: Any = app.tasks["bench.reliable"]

    def one_by_one(task: Any) -> Block:
        return lambda: [task.delay(number, "word") for number in range(jobs)]

    return {
        PLAIN: one_by_one(plain),
        "bare task, delay()": one_by_one(bare),
        "ReliableTask, delay()": one_by_one(reliable),
        "ReliableTask, ids of one's own": lambda: [
            reliable.apply_async((number, "word"), task_id=f"job-{number}") for number in range(jobs)
        ],
        "ReliableTask, enqueue_many()": lambda: enqueue_many(call(reliable, number, "word") for number in range(jobs)),
        "enqueue_many(), ids of one's own": lambda: enqueue_many(
            call(reliable, number, "word").set(task_id=f"job-{number}") for number in range(jobs)
        ),
    }


def _plain_task(url: str) -> Any:
    app = Celery("plain", broker=url, set_as_current=False)
    app.conf.task_default_queue = "plain"

    @app.task(name="bench.plain", ignore_result=True, acks_late=True)
    def nothing(number: int, word: str) -> None:
        """Do nothing."""

    return app.tasks[nothing.name]


def _figures(seconds: list[float], plain: list[float], jobs: int) -> dict[str, float]:
    """Return the median of a block, and of its ratios to plain Celery's block of the same round."""
    middle = statistics.median(seconds)
    ratios = [slow / fast for slow, fast in zip(plain, seconds, strict=True)]
    return {"rate": jobs / middle, "microseconds": middle / jobs * 1e6, "ratio": statistics.median(ratios)}


def _table(figures: dict[str, dict[str, float]], title: str) -> Table:
    table = Table("", "jobs a second", "us each", "times as fast", "bound", title=title)
    for name, row in figures.items():
        bound = f"{BOUNDS[name]:g}" if name in BOUNDS else ""
        table.add_row(name, f"{row['rate']:,.0f}", f"{row['microseconds']:.0f}", f"{row['ratio']:.1f}", bound)
    return table
