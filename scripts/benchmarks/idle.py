"""What an idle worker costs its server, and how soon it starts what comes, and what becomes due."""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click
from delayed import STARTS
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tasks_platform import embedded
from tasks_platform.celery import create_app
from tasks_platform.settings import Settings

HERE: Final = Path(__file__).parent
#: Commands that a worker of the leased broker alone sends in a minute, and ms by which half of the jobs may be late.
BOUNDS: Final = {"commands": 60, "late": 50.0}
#: The workers that are listened to: their application, and their broker.
IDLE: Final = {
    "Celery, redis://": ("plain", "redis://"),
    "Celery, leased+redis://": ("plain", "leased+redis://"),
    "the platform": ("tasks_platform", "redis://"),
}
_DEADLINE: Final = 60.0


@click.command()
@click.option("--seconds", default=60, show_default=True, help="How long the worker has nothing to do.")
@click.option("--jobs", default=100, show_default=True, help="Jobs of each kind, one after the other.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def idle(seconds: int, jobs: int, *, as_json: bool) -> None:
    """Count what an idle worker asks its server in a minute; measure how soon it begins what comes and what is due.

    Ends with 1 where it asks more than it should, or half of the delayed jobs are begun more than 50 ms late.
    """
    counts: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        diary = Path(folder) / "starts"
        diary.touch()
        app = create_app(Settings(redis_url=server.url, business=False, modules="delayed"))
        app.loader.import_default_modules()
        client = Redis.from_url(server.url)
        starts = app.tasks["bench.starts"]
        for name, (kind, scheme) in IDLE.items():
            client.flushdb()
            with _worker(kind, server.url.replace("redis://", scheme), server.url, diary):
                if kind == "plain":
                    time.sleep(10)  # what a worker does in its first seconds is no part of it
                else:
                    _until(lambda: app.control.ping(timeout=1))
                    _begun(diary, lambda: starts.delay(0))
                    soon = [_soon(diary, starts) for _ in track(range(jobs), "at once", console=Console(stderr=True))]
                    late = [_late(diary, starts) for _ in track(range(jobs), "delayed", console=Console(stderr=True))]
                counts[name] = _heard(client, seconds)
        app.close()
    figures = {
        **{f"commands in a minute: {name}": round(sum(calls.values())) for name, calls in counts.items()},
        **_spread("begun after it was sent, ms", soon),
        **_spread("begun after it was due, ms", late),
        "begun early": sum(moment < 0 for moment in late),
    }
    if as_json:
        click.echo(json.dumps({"seconds": seconds, "jobs": jobs, **figures, "by command": counts}, indent=2))
    else:
        table = Table("", "", title=f"Workers with nothing to do, and {jobs} jobs one after the other")
        for name, value in figures.items():
            table.add_row(name, f"{value:,}")
        Console().print(table)
    if sum(counts["Celery, leased+redis://"].values()) > BOUNDS["commands"]:
        sys.exit("an idle worker asks more than it should")
    if statistics.median(late) * 1000 > BOUNDS["late"] or min(late) < 0:
        sys.exit("delayed jobs are begun too late, or early")


def _spread(what: str, moments: list[float]) -> dict[str, float]:
    ordered = sorted(moment * 1000 for moment in moments)
    return {
        f"{what}: p50": round(statistics.median(ordered), 1),
        f"{what}: p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 1),
    }


def _late(diary: Path, task: Any) -> float:
    """Return how many seconds after it was due a job was begun."""
    due = datetime.now(UTC) + timedelta(seconds=random.uniform(0.3, 0.8))  # noqa: S311
    return _begun(diary, lambda: task.apply_async((0,), eta=due)) - due.timestamp()


def _soon(diary: Path, task: Any) -> float:
    """Return how many seconds after it was sent a job was begun."""
    time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - the worker has had nothing to do for a while
    sent = time.time()
    return _begun(diary, lambda: task.delay(0)) - sent


def _begun(diary: Path, send: Any) -> float:
    """Send a job, and return when it was begun, in seconds since 1970."""
    before = diary.stat().st_size
    send()
    _until(lambda: diary.stat().st_size > before)
    return float(diary.read_text().splitlines()[-1])


def _heard(client: Any, seconds: float) -> dict[str, float]:
    """Return how often in a minute each command is sent, which a script that it runs may follow with others."""
    end = uuid4().hex
    threading.Timer(seconds, client.echo, (end,)).start()
    heard: Counter[str] = Counter()
    with client.monitor() as monitor:
        for command in monitor.listen():
            if end in command["command"]:
                break
            if command["client_type"] != "lua":
                heard[command["command"].split()[0].upper()] += 1
    return {name: round(count * 60 / seconds, 1) for name, count in heard.most_common()}


@contextmanager
def _worker(kind: str, broker: str, server: str, diary: Path) -> Iterator[None]:
    environment = {**os.environ, "PYTHONPATH": str(HERE), "TASKS_REDIS_URL": server, "BENCH_BROKER": broker}
    environment |= {"TASKS_MODULES": "delayed", "TASKS_BUSINESS": "false", STARTS: str(diary)}
    command = [sys.executable, "-m", "celery", "-A", kind, "worker", "--concurrency", "2", "--loglevel", "ERROR"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)


def _until(condition: Any) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the worker did not do what it should")
        time.sleep(0.005)
