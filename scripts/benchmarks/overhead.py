"""What a ReliableTask costs over a bare Celery task: CPU per ``delay()`` and per run in a threads pool."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import click
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tasks_platform import embedded
from tasks_platform.celery import create_app
from tasks_platform.queues import DEFAULT_QUEUE
from tasks_platform.settings import Settings

_TICKS = os.sysconf("SC_CLK_TCK")
_DEADLINE = 120.0


@click.command()
@click.option("--rounds", default=15, show_default=True, help="Interleaved pairs of blocks.")
@click.option("--delays", default=400, show_default=True, help="Calls of delay() in a block.")
@click.option("--runs", default=2000, show_default=True, help="Runs in a block.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def overhead(rounds: int, delays: int, runs: int, *, as_json: bool) -> None:
    """Compare a no-op ReliableTask with a bare Celery task (at most 25 us per delay() and 30 us per run)."""
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        app = create_app(Settings(redis_url=server.url, business=False, modules="noop"))
        app.loader.import_default_modules()
        tasks = {"bare": app.tasks["bench.bare"], "reliable": app.tasks["bench.reliable"]}
        client = Redis.from_url(server.url, decode_responses=True)
        console = Console(stderr=True)
        sending = {kind: _sender(client, task, delays) for kind, task in tasks.items()}
        figures = {"delay()": _measure(console, "delay()", rounds, sending)}
        with _worker(server.url) as pid:
            running = {kind: _runner(client, pid, task, runs) for kind, task in tasks.items()}
            figures["run"] = _measure(console, "run", rounds, running)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    table = Table("", "bare", "reliable", "difference", "middle half", title="CPU in microseconds, medians of blocks")
    for name, row in figures.items():
        table.add_row(
            name,
            *(f"{row[key]:.1f}" for key in ("bare", "reliable", "difference")),
            f"{row['low']:.1f} to {row['high']:.1f}",
        )
    Console().print(table)


def _measure(console: Console, name: str, rounds: int, blocks: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Run both blocks in turn, each returning microseconds per item; each pair gives a difference."""
    for block in blocks.values():
        block()  # warm up
    seconds: dict[str, list[float]] = {kind: [] for kind in blocks}
    for number in track(range(rounds), name, console=console):
        for kind in sorted(blocks, reverse=bool(number % 2)):
            seconds[kind].append(blocks[kind]())
    differences = [reliable - bare for reliable, bare in zip(seconds["reliable"], seconds["bare"], strict=True)]
    low, middle, high = statistics.quantiles(differences, n=4)
    return {
        "bare": statistics.median(seconds["bare"]),
        "reliable": statistics.median(seconds["reliable"]),
        "difference": middle,
        "low": low,
        "high": high,
    }


def _sender(client: Redis, task: Any, size: int) -> Callable[[], float]:
    def block() -> float:
        begun = time.process_time()
        for number in range(size):
            task.delay(number, "word")
        spent = time.process_time() - begun
        client.flushdb()
        return spent / size * 1e6

    return block


def _runner(client: Redis, pid: int, task: Any, size: int) -> Callable[[], float]:
    def block() -> float:
        messages = _messages(client, task, size)
        begun = _cpu_seconds(pid)
        with client.pipeline(transaction=False) as pipe:
            for key, message in messages:
                pipe.lpush(key, message)
                pipe.zadd(f"leased:wake:{key}", {"look": 0})
            pipe.execute()
        _until_idle(client)
        return (_cpu_seconds(pid) - begun) / size * 1e6

    return block


def _messages(client: Redis, task: Any, size: int) -> list[tuple[str, str]]:
    """Write jobs to a queue that nobody consumes, and take their messages from there."""
    for number in range(size):
        task.apply_async((number, "word"), queue="aside")
    found = []
    for key in cast("list[str]", client.keys("aside*")):
        if client.type(key) == "list":
            found += [(_home(key), _home(message)) for message in cast("list[str]", client.lrange(key, 0, -1))]
            client.delete(key)
    return found


def _home(text: str) -> str:
    return text.replace("aside", DEFAULT_QUEUE)


def _until_idle(client: Redis) -> None:
    deadline = time.monotonic() + _DEADLINE
    while client.keys("leased:claimed:*") or any(
        client.type(key) == "list" for key in client.keys(f"{DEFAULT_QUEUE}*")
    ):
        if time.monotonic() > deadline:
            sys.exit("the worker did not finish its block")
        time.sleep(0.01)


@contextmanager
def _worker(url: str) -> Iterator[int]:
    """Run a worker with a pool of threads; yield its process id once it consumes."""
    environment = {
        **os.environ,
        "TASKS_REDIS_URL": url,
        "TASKS_MODULES": "noop",
        "TASKS_BUSINESS": "false",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tasks_platform",
        "worker",
        "-P",
        "threads",
        "-c",
        "4",
        "-l",
        "ERROR",
    ]
    process = subprocess.Popen(  # noqa: S603 - our own worker
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
