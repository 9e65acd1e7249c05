"""What the leased broker saves: the same worker on it and on Celery's own Redis transport, in one run."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from redis import Redis
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tasks_platform import embedded

HERE: Final = Path(__file__).parent
#: The pools, with how much they do at a time, and how many times as fast the leased broker has to be.
POOLS: Final = {"prefork": 2, "threads": 4}
BOUNDS: Final = {"prefork": 1.5, "threads": 3.0, "far": 4.0}
#: Seconds of a round trip to a server that is not on the same machine.
FAR: Final = 0.0027
#: What takes a round trip of its own to the server.
_ROUND_TRIPS: Final = ("brpop", "exec", "evalsha", "bzpopmin")
_DEADLINE: Final = 300.0


@click.command()
@click.option("--jobs", default=3000, show_default=True, help="Jobs in a block.")
@click.option("--rounds", default=3, show_default=True, help="Interleaved pairs of blocks.")
@click.option("--prefetch", default=4, show_default=True, help="Messages a worker takes per process: Celery's default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def broker(jobs: int, rounds: int, prefetch: int, *, as_json: bool) -> None:
    """Compare workers on leased+redis:// with workers on redis://: jobs per second, commands and round trips per job.

    Also over a line with a round trip of 2.7 ms. Ends with 1 where a bound is missed.
    """
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        client = Redis.from_url(server.url)
        port = int(client.connection_pool.connection_kwargs["port"])
        with _slow_line(port) as far, Progress(console=Console(stderr=True)) as bars:
            for name, pool, address, count in (
                ("prefork", "prefork", server.url, jobs),
                ("threads", "threads", server.url, jobs),
                ("far, prefork", "prefork", server.url.replace(f":{port}", f":{far}"), jobs // 4),
                ("far, threads", "threads", server.url.replace(f":{port}", f":{far}"), jobs // 4),
            ):
                measured: dict[str, list[dict[str, float]]] = {"": [], "leased+": []}
                for number in bars.track(range(rounds), description=name):
                    for kind in sorted(measured, reverse=bool(number % 2)):
                        measured[kind].append(
                            _block(client, f"{kind}{server.url}", f"{kind}{address}", pool, count, prefetch)
                        )
                figures[name] = _row(measured[""], measured["leased+"])
    if as_json:
        click.echo(json.dumps({"jobs": jobs, "rounds": rounds, **figures}, indent=2))
    else:
        Console().print(_table(figures))
    if slow := [name for name, row in figures.items() if row["times as fast"] < BOUNDS[name.partition(",")[0]]]:
        sys.exit(f"not as fast as it should be: {', '.join(slow)}")


def _row(plain: list[dict[str, float]], leased: list[dict[str, float]]) -> dict[str, float]:
    def median(rows: list[dict[str, float]], what: str) -> float:
        return statistics.median(row[what] for row in rows)

    ratios = [new["rate"] / old["rate"] for old, new in zip(plain, leased, strict=True)]
    return {
        "plain": median(plain, "rate"),
        "leased": median(leased, "rate"),
        "times as fast": statistics.median(ratios),
        "plain commands": median(plain, "commands"),
        "leased commands": median(leased, "commands"),
        "plain round trips": median(plain, "trips"),
        "leased round trips": median(leased, "trips"),
    }


def _table(figures: dict[str, dict[str, float]]) -> Table:
    table = Table(
        "", "redis://", "leased+redis://", "times as fast", "commands", "round trips", title="Jobs per second"
    )
    for name, row in figures.items():
        table.add_row(
            name,
            f"{row['plain']:,.0f}",
            f"{row['leased']:,.0f}",
            f"{row['times as fast']:.1f}",
            f"{row['plain commands']:.1f} and {row['leased commands']:.1f}",
            f"{row['plain round trips']:.1f} and {row['leased round trips']:.1f}",
        )
    return table


def _block(client: Redis, near: str, address: str, pool: str, jobs: int, prefetch: int) -> dict[str, float]:  # noqa: PLR0913, PLR0917
    """Let one worker run so many jobs; return jobs per second, and commands and round trips per job."""
    client.flushdb()
    environment = {**os.environ, "PYTHONPATH": str(HERE), "BENCH_BROKER": address, "BENCH_PREFETCH": str(prefetch)}
    _send(near, jobs)
    command = [sys.executable, "-m", "celery", "-A", "plain", "worker", "--pool", pool, "--loglevel", "ERROR"]
    command += ["--concurrency", str(POOLS[pool]), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    worker = subprocess.Popen(  # noqa: S603
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + _DEADLINE
        while (left := _length(client)) == jobs:
            _check(deadline, worker)
        begun, before = time.monotonic(), _calls(client)
        started_with = left
        while _length(client):
            _check(deadline, worker)
        seconds = time.monotonic() - begun
        calls = {name: count - before.get(name, 0) for name, count in _calls(client).items()}
    finally:
        _end(worker, address)
    return {
        "rate": started_with / seconds,
        "commands": sum(count for name, count in calls.items() if name not in {"llen", "info"}) / started_with,
        "trips": sum(calls.get(name, 0) for name in _ROUND_TRIPS) / started_with,
    }


def _end(worker: subprocess.Popen[bytes], address: str) -> None:
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(30)
    except subprocess.TimeoutExpired:
        click.echo(f"a worker on {address.partition(':')[0]} did not end within 30 s of TERM, and is killed", err=True)
        worker.kill()
        worker.wait()


def _send(address: str, jobs: int) -> None:
    """Send the jobs in a process of its own: an application has one broker."""
    program = f"import plain\nfor number in range({jobs}): plain.nothing.delay(number)"
    environment = {**os.environ, "PYTHONPATH": str(HERE), "BENCH_BROKER": address}
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], env=environment, check=True, timeout=_DEADLINE
    )


def _length(client: Redis) -> int:
    length: Any = client.llen("celery")
    return int(length)


def _calls(client: Redis) -> dict[str, int]:
    stats: Any = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(row["calls"]) for name, row in stats.items()}


def _check(deadline: float, worker: subprocess.Popen[bytes]) -> None:
    if time.monotonic() > deadline or worker.poll() is not None:
        sys.exit("the worker did not finish its block")
    time.sleep(0.01)


@contextmanager
def _slow_line(port: int) -> Iterator[int]:
    command = [sys.executable, str(HERE / "slow_line.py"), str(port), str(FAR)]
    line = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield int(line.stdout.readline()) if line.stdout is not None else 0
    finally:
        line.kill()
        line.wait()
