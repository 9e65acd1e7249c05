"""How many jobs that only wait one worker process can be at: 2 000 sleeps of 50 ms, beside plain Celery."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import click
from redis import Redis
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tasks_platform import embedded

HERE: Final = Path(__file__).parent
#: How many times as fast as Celery's threads the sleeps have to be.
BOUND: Final = 2.0
_DEADLINE: Final = 120.0
#: Where kombu's lists of levels have their number.
_LEVEL: Final = "\x06\x16"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One worker and the task it runs."""

    name: str
    app: str
    task: str
    queue: str
    concurrency: int = 200

    @property
    def is_plain(self) -> bool:
        """Whether it is Celery's own worker and broker."""
        return self.app != "tasks_platform"


CASES: Final = (
    Case(name="Celery, 100 threads", app="naps:plain", task="bare_nap", queue="celery", concurrency=100),
    Case(name="Celery, 200 threads", app="naps:plain", task="bare_nap", queue="celery"),
    Case(name="200 threads", app="tasks_platform", task="nap", queue="default"),
    Case(name="async def, 200 at a time", app="tasks_platform", task="async_nap", queue="default"),
)
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@click.command()
@click.option("--jobs", default=2000, show_default=True, help="Sleeps in a block.")
@click.option("--nap", default=0.05, show_default=True, help="Seconds of one sleep.")
@click.option("--rounds", default=5, show_default=True, help="Interleaved blocks of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def sleeps(jobs: int, nap: float, rounds: int, *, as_json: bool) -> None:
    """Compare workers with threads, plain Celery's among them: seconds until all sleeps are acknowledged.

    Ends with 1 where the bound is missed: twice as fast as the faster of Celery's.
    """
    seconds: dict[str, list[float]] = {case.name: [] for case in CASES}
    busy: dict[str, list[float]] = {case.name: [] for case in CASES}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        urls = [server.url.removesuffix("0") + str(number) for number in range(len(CASES))]
        clients = [Redis.from_url(url, decode_responses=True) for url in urls]
        workers: list[tuple[Case, Redis, int]] = []
        for case, url, client in zip(CASES, urls, clients, strict=True):
            _write(case, url, jobs, nap)
            _put_aside(client, case)
            workers.append((case, client, stack.enter_context(_worker(case, url, nap))))
        bars = stack.enter_context(Progress(console=Console(stderr=True)))
        for number in bars.track(range(rounds + 1)):
            for case, client, pid in workers[:: -1 if number % 2 else 1]:
                before, spent = _cpu_seconds(pid), _block(client, case)
                if number:  # the first makes the threads
                    seconds[case.name].append(spent)
                    busy[case.name].append(_cpu_seconds(pid) - before)
        stack.close()
    medians = {name: statistics.median(blocks) for name, blocks in seconds.items()}
    if as_json:
        click.echo(
            json.dumps({"jobs": jobs, "nap": nap, "seconds": seconds, "cpu": busy, "medians": medians}, indent=2)
        )
    else:
        Console().print(_table(seconds, busy, f"{jobs} sleeps of {nap * 1000:.0f} ms in one worker process"))
    plain = min(medians[case.name] for case in CASES if case.is_plain)
    if slow := [case.name for case in CASES if not case.is_plain and plain / medians[case.name] < BOUND]:
        sys.exit(f"not as fast as it should be: {', '.join(slow)}")


def _table(seconds: dict[str, list[float]], busy: dict[str, list[float]], title: str) -> Table:
    table = Table("", "seconds", "best", "worst", "of CPU", title=title)
    for name, blocks in seconds.items():
        figures = (statistics.median(blocks), min(blocks), max(blocks), statistics.median(busy[name]))
        table.add_row(name, *(f"{number:.2f}" for number in figures))
    return table


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _write(case: Case, url: str, jobs: int, nap: float) -> None:
    """Send the jobs in a process of its own: an application has one broker."""
    program = (
        f"import naps\nfrom tasks_platform import celery\napp = celery.create_app()\n"
        f"for number in range({jobs}): naps.{case.task}.apply_async((number,))"
    )
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], env=_environment(url, nap), check=True, timeout=_DEADLINE
    )


def _put_aside(client: Redis, case: Case) -> None:
    for key in _lists(client, case):
        client.rename(key, f"aside:{key}")
        client.copy(f"aside:{key}", f"copy:{key}")


def _block(client: Redis, case: Case) -> float:
    """Put the jobs where the worker looks for them; return the seconds until it has acknowledged all."""
    begun = time.monotonic()
    for copy in cast("list[str]", client.keys("copy:*")):
        client.rename(copy, key := copy.removeprefix("copy:"))
        if not case.is_plain:
            client.zadd(f"leased:wake:{key}", {"look": 0})
    while _lists(client, case) or client.keys("leased:claimed:*") or client.exists("unacked"):
        if time.monotonic() > begun + _DEADLINE:
            sys.exit(f"{case.name}: the worker did not finish its block")
        time.sleep(0.01)
    spent = time.monotonic() - begun
    for aside in cast("list[str]", client.keys("aside:*")):
        client.copy(aside, aside.replace("aside:", "copy:"))
    return spent


def _lists(client: Redis, case: Case) -> list[str]:
    named = cast("list[str]", client.keys(f"{case.queue}*"))
    return [key for key in named if key == case.queue or key.startswith(f"{case.queue}{_LEVEL}")]


def _environment(url: str, nap: float) -> dict[str, str]:
    own: dict[str, Any] = {"BENCH_BROKER": url, "BENCH_NAP": str(nap), "PYTHONPATH": str(HERE)}
    ours = {"TASKS_REDIS_URL": url, "TASKS_MODULES": "naps", "TASKS_BUSINESS": "false"}
    return {**os.environ, **own, **ours}


@contextmanager
def _worker(case: Case, url: str, nap: float) -> Iterator[int]:
    """Run a worker; yield its process id."""
    command = [sys.executable, "-m", "celery", "-A", case.app, "worker", "--pool", "threads", "--loglevel", "ERROR"]
    command += ["--concurrency", str(case.concurrency), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen(  # noqa: S603
        command, env=_environment(url, nap), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
