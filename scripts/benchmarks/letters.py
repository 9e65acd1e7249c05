"""How long it takes to list, find and group very many dead letters."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tasks_platform import embedded
from tasks_platform.celery import create_app
from tasks_platform.letters import DeadLetterQueue, Where
from tasks_platform.policies.dead_letters import SCHEMA
from tasks_platform.settings import Settings
from tasks_platform.store import Store

#: Milliseconds that a page may take, in the median.
BOUND: Final = 200.0
#: What is no page of a list: it reads 5 000 letters whole.
SEARCH: Final = "text, 5 000 searched"
PAGE: Final = 50
ATTEMPT: Final = {
    "attempt": 1,
    "started_at": "2026-11-22T08:30:00+00:00",
    "failed_at": "2026-11-22T08:30:01+00:00",
    "worker": "w@box",
    "error": {"type": "shop.GatewayError", "message": "refused"},
}
_WORKERS: Final = 16
TRACEBACK: Final = "  File 'shop.py', line 7, in ship\n" * 30


@click.command()
@click.option("--count", default=100_000, show_default=True, help="Letters.")
@click.option("--rounds", default=20, show_default=True, help="Times that each is measured.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def letters(count: int, rounds: int, *, as_json: bool) -> None:
    """Measure pages of dead letters.

    Fails if the median of one is over 200 ms; but for a search for a text, which reads 5 000 letters whole.
    """
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        app = create_app(Settings(redis_url=server.url, business=False))
        _bury(app.store, count)
        queue = DeadLetterQueue(app)
        queue.groups()
        figures = {name: _milliseconds(act, rounds) for name, act in _acts(queue, count)}
    if as_json:
        click.echo(json.dumps({"letters": count, **figures}, indent=2))
    else:
        Console().print(_table(figures, f"milliseconds, {count:,} letters, pages of {PAGE}"))
    if slow := [name for name, figure in figures.items() if name != SEARCH and figure["median"] > BOUND]:
        sys.exit(f"over {BOUND:g} ms: {', '.join(slow)}")


def _table(figures: dict[str, dict[str, float]], title: str) -> Table:
    table = Table("", "median", "slowest", title=title)
    for name, figure in figures.items():
        table.add_row(name, f"{figure['median']:.1f}", f"{figure['slowest']:.1f}")
    return table


def _bury(store: Store, count: int) -> None:
    """Write letters as workers do, some at the same time: ten bugs, five tasks, three queues, a hundred tenants."""
    with ThreadPoolExecutor(_WORKERS) as pool:
        for _ in track(
            pool.map(lambda number: _bury_one(store, number, count), range(count)),
            "bury",
            total=count,
            console=Console(stderr=True),
        ):
            pass


def _bury_one(store: Store, number: int, count: int) -> None:
    job_id = f"{number * 7919 % count:08x}-7f0e-4d3f-9d27-ab9ff9b9b3b3"
    task, queue, tenant = f"shop.task_{number % 5}", f"queue-{number % 3}", f"tenant-{number % 101}"
    letter = {
        "schema": SCHEMA,
        "id": job_id,
        "task": task,
        "queue": queue,
        "state": "parked" if number % 50 == 0 else "dead",
        "tenant": tenant,
        "flow": None,
        "died_at": 1_795_000_000 + number / 7,
        "message": {"task": task, "args": [number, f"ana{number}@kontor.example"], "kwargs": {}, "options": {}},
        "cause": {"type": "shop.GatewayError", "message": f"refused {number}", "line": "shop:7 in ship"},
        "traceback": TRACEBACK,
        "fingerprint": f"{number % 10:012x}",
    }
    store.decide(job_id, 1, ATTEMPT, {"again_in": None, "parked": False}, letter)


def _acts(queue: DeadLetterQueue, count: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    middle = 1_795_000_000 + count / 14

    def page(**where: Any) -> Callable[[], Any]:
        return lambda: queue.page(Where(**where), limit=PAGE)

    yield "first page", page()
    yield "page in the middle", lambda: queue.page(offset=count // 2, limit=PAGE)
    yield "last page", lambda: queue.page(offset=count - PAGE, limit=PAGE)
    yield "until the middle", page(until=middle)
    yield "one task", page(task="shop.task_3")
    yield "one tenant", page(tenant="tenant-7")
    yield "one task, middle", lambda: queue.page(Where(task="shop.task_3"), offset=count // 10, limit=PAGE)
    yield "task and queue", page(task="shop.task_3", queue="queue-1")
    yield (
        "task, queue, tenant, fingerprint",
        page(task="shop.task_3", queue="queue-1", tenant="tenant-7", fingerprint=f"{3:012x}"),
    )
    yield "task and bug that never meet", page(task="shop.task_3", fingerprint=f"{4:012x}")
    yield SEARCH, lambda: queue.page(text="nobody@", limit=PAGE)
    yield "groups", queue.groups
    yield "one by the beginning of its id", lambda: queue.show(f"{count // 2:08x}")
    yield "audit", lambda: queue.audit(limit=PAGE)


def _milliseconds(act: Callable[[], Any], rounds: int) -> dict[str, float]:
    act()
    figures = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        figures.append((time.perf_counter() - begun) * 1000)
    return {"median": statistics.median(figures), "slowest": max(figures)}
