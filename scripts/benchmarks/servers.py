"""What one Redis server can take, and what a second one adds: the figures of ``deploy/scale.md``."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click
from rabbit_costs import rabbit_costs
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table
from server_costs import Cost, Used, costs_of, memory_of

from redis_server import running_redis
from tasks_platform.celery import create_app
from tasks_platform.settings import Settings

HERE: Final = Path(__file__).parent
_PATIENCE: Final = 120


@click.command()
@click.option("--jobs", default=6000, show_default=True, help="Jobs per step and round.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--clients", default=2, show_default=True, help="Clients that keep the servers busy.")
@click.option("--program", help="The server; by default the one that is embedded.")
@click.option("--rabbitmq", is_flag=True, help="Measure RabbitMQ as well.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def servers(  # noqa: PLR0913 - the options of a command
    jobs: int, rounds: int, clients: int, program: str | None, *, rabbitmq: bool, as_json: bool
) -> None:
    """Measure what each step of a job costs its server, and how much one and two servers take side by side.

    Servers keep an append-only file. Costs are medians; they hold for the processor that this runs on.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        urls = []
        for name in ("one", "two"):
            (Path(folder) / name).mkdir()
            server = running_redis(Path(folder) / name, "--appendonly", "yes", program=program)
            urls.append(stack.enter_context(server).url)
        found: dict[str, Any] = {"version": _version(urls[0]), **_costs(urls[0], jobs, rounds)}
        found["side by side"] = _side_by_side(urls, clients, jobs * 5, rounds)
        if rabbitmq:
            found["rabbitmq"] = rabbit_costs(Path(folder), urls[0], jobs // 3)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _version(url: str) -> str:
    with Redis.from_url(url) as client:
        told: Any = client.info("server")
    return f"{told.get('server_name', 'redis')} {told.get('valkey_version', told['redis_version'])}"


def _empty(client: Redis) -> None:
    client.execute_command("FLUSHDB", "SYNC")  # type: ignore[no-untyped-call]  # else what it frees afterwards counts as well


def _costs(url: str, jobs: int, rounds: int) -> dict[str, Any]:
    app = create_app(Settings(redis_url=url, business=False, modules="noop", lease=timedelta(hours=1)))
    app.loader.import_default_modules()
    rows: dict[str, list[Cost]] = {}
    with Redis.from_url(url) as client:
        for _ in track(range(rounds), "steps", console=Console(stderr=True)):
            _empty(client)
            for name, cost in costs_of(app, client, jobs):
                rows.setdefault(name, []).append(cost)
        _empty(client)
        memory = memory_of(app, client, jobs)
        _empty(client)
    medians = {
        name: {field: statistics.median(getattr(one, field) for one in costs) for field in Cost._fields}
        for name, costs in rows.items()
    }
    return {"steps": medians, "bytes per waiting job": memory}


def _side_by_side(urls: Sequence[str], clients: int, jobs: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the jobs per second of one and of two servers, and how much of a processor each had, interleaved."""
    found: dict[str, list[dict[str, float]]] = {}
    for _ in track(range(rounds), "one and two servers", console=Console(stderr=True)):
        for used in (urls[:1], urls):
            for kind in ("push", "claim and settle"):
                row = _block(used, kind, clients, jobs)
                found.setdefault(f"{kind}, {len(used)} server{'s' * (len(used) > 1)}", []).append(row)
            for url in used:
                with Redis.from_url(url) as client:
                    _empty(client)
    return {
        name: {field: statistics.median(row[field] for row in rows) for field in rows[0]}
        for name, rows in found.items()
    }


def _block(urls: Sequence[str], kind: str, clients: int, jobs: int) -> dict[str, float]:
    with ExitStack() as stack:
        connections = [stack.enter_context(Redis.from_url(url)) for url in urls]
        drivers = [
            stack.enter_context(_driver(urls[number % len(urls)], kind, jobs // clients)) for number in range(clients)
        ]
        for driver in drivers:
            if driver.stdout is None or driver.stdout.readline() != "ready\n":
                sys.exit("a client did not begin")
        before = [Used.by(client) for client in connections]
        for driver in drivers:
            driver.stdin.write("go\n")  # type: ignore[union-attr]
            driver.stdin.flush()  # type: ignore[union-attr]
        told = [json.loads(driver.communicate(timeout=_PATIENCE)[0]) for driver in drivers]
        after = [Used.by(client) for client in connections]
    done, seconds = sum(one["jobs"] for one in told), max(one["seconds"] for one in told)
    cpu = sum(late.seconds - early.seconds for early, late in zip(before, after, strict=True))
    return {"rate": done / seconds, "server": cpu / done * 1e6, "busy": cpu / seconds / len(urls)}


def _driver(url: str, kind: str, jobs: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / "server_driver.py"), url, kind.partition(" ")[0], str(jobs)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603


def _show(found: dict[str, Any]) -> None:
    console = Console()
    steps = Table("per job", "server, us", "client, us", "bytes in", "bytes out", title=found["version"])
    for name, row in found["steps"].items():
        steps.add_row(
            name,
            *(f"{row[field]:,.1f}" for field in ("server", "client")),
            f"{row['received']:,.0f}",
            f"{row['sent']:,.0f}",
        )
    console.print(steps)
    console.print(f"a job that waits needs {found['bytes per waiting job']:,.0f} bytes")
    beside = Table("side by side", "jobs per second", "server, us per job", "of a processor, each server")
    for name, row in found["side by side"].items():
        beside.add_row(name, f"{row['rate']:,.0f}", f"{row['server']:.1f}", f"{row['busy']:.0%}")
    console.print(beside)
    if brokers := found.get("rabbitmq"):
        other = Table("one sender, one worker of 4 threads", *brokers)
        for name in next(iter(brokers.values())):
            other.add_row(name, *(f"{figures[name]:,.0f}" for figures in brokers.values()))
        console.print(other)
