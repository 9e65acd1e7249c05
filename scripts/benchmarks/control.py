"""What it takes to steer one message among a million, by its id, and what the index costs that finds it."""

from __future__ import annotations

import base64
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from kombu import Connection
from noop import reliable
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tasks_platform import Settings, create_app, embedded
from tasks_platform.broker.leased import control as steering
from tasks_platform.broker.leased.control import Finder, Found
from tasks_platform.broker.leased.payload import start_now
from tasks_platform.jobs import Jobs
from tasks_platform.queues import PRIORITY_STEPS

#: Bytes of the index per message, and milliseconds that half of the operations of a kind take at most.
BOUNDS: Final = {"index": 300, "ms": 5.0}
_QUEUE: Final = "default"
_LIST: Final = f"{_QUEUE}\x06\x163"
_BATCH: Final = 5000
#: What a worker takes from.
_TAKEN: Final = "taken"


@click.command()
@click.option("--jobs", default=1_000_000, show_default=True, help="Jobs that wait.")
@click.option("--tries", default=200, show_default=True, help="Operations of each kind, at places all over the queue.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def control(jobs: int, tries: int, *, as_json: bool) -> None:
    """Measure operations by id on a long queue.

    Ends with 1 where half of a kind take longer than 5 ms, or the index more than 300 bytes per message.
    """
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        client = Redis.from_url(server.url)
        options = {"priority_steps": list(PRIORITY_STEPS)}
        with Connection(f"leased+{server.url}", transport_options=options) as connection:
            channel: Any = connection.default_channel
            per_message = _fill(client, channel, jobs)
            _delay(channel, tries)
            _take(channel, tries)
            figures = _measured(channel, jobs, tries) | _steered(server.url, jobs, tries)
    if as_json:
        click.echo(json.dumps({"jobs": jobs, "index, bytes per message": per_message, "ms": figures}, indent=2))
    else:
        table = Table(
            "", "p50, ms", "p99, ms", title=f"One of {jobs:,} jobs, by its id; index: {per_message} bytes each"
        )
        for name, row in figures.items():
            table.add_row(name, f"{row['p50']:.2f}", f"{row['p99']:.2f}")
        Console().print(table)
    if per_message > BOUNDS["index"] or any(row["p50"] > BOUNDS["ms"] for row in figures.values()):
        sys.exit("a bound is missed")


def _fill(client: Redis, channel: Any, jobs: int) -> int:
    """Put messages where a sender puts them: the first is sent, the others are its like; return the index's bytes."""
    channel._put(_QUEUE, _message(_id(0)))  # noqa: SLF001 - as kombu puts it
    pattern: Any = client.lindex(_LIST, 0)
    for first in track(range(1, jobs, _BATCH), "waiting", console=Console(stderr=True)):
        ids = [_id(number) for number in range(first, min(first + _BATCH, jobs))]
        client.lpush(_LIST, *(pattern.replace(_id(0).encode(), job_id.encode()) for job_id in ids))
    used = _used(client)
    for first in track(range(1, jobs, _BATCH), "index", console=Console(stderr=True)):
        numbers = range(first, min(first + _BATCH, jobs))
        client.hset(f"leased:index:{_QUEUE}", mapping={_id(number): f"{number + 1}|{_LIST}" for number in numbers})
    client.hset("leased:pushed", _LIST, str(jobs))
    return round((_used(client) - used) / jobs)


def _delay(channel: Any, many: int) -> None:
    """Put messages that are not due yet, twice as many as one kind of operation needs."""
    eta = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for number in range(2 * many):
        message = _message(_later(number))
        message["headers"]["eta"] = eta
        channel._put(_QUEUE, message)  # noqa: SLF001 - as kombu puts it


def _take(channel: Any, many: int) -> None:
    """Let a worker, which this process is, have some."""
    for number in range(many):
        channel._put(_TAKEN, _message(_claimed(number), _TAKEN))  # noqa: SLF001 - as kombu puts it
        channel.basic_get(_TAKEN)


def _measured(channel: Any, jobs: int, tries: int) -> dict[str, dict[str, float]]:
    finder = Finder(channel, [_QUEUE, "other", _TAKEN])
    places = iter(range(1, jobs, max(1, jobs // (tries * 11))))
    taken, later = iter(range(tries)), iter(range(tries))

    def urgent(message: dict[str, Any], _: Found) -> tuple[str, int]:
        message["properties"]["priority"] = 0
        return _QUEUE, 0

    def now(message: dict[str, Any], found: Found) -> tuple[str, int]:
        start_now(message)
        return found.queue, found.step

    def elsewhere(_: dict[str, Any], __: Found) -> tuple[str, int]:
        return "other", 3

    kinds: dict[str, Callable[[str], object]] = {
        "find": finder.find,
        "take out": finder.take,
        "another priority": lambda job_id: finder.change(job_id, urgent),
        "another queue": lambda job_id: finder.change(job_id, elsewhere),
        "cancel": lambda job_id: _cancel(finder, job_id),
        "cancel one that a worker has": lambda _: finder.cancel(_claimed(next(taken)), "by the benchmark"),
        "run one now that is delayed": lambda _: finder.change(_later(next(later)), now),
        "one that is not there": lambda job_id: finder.find(f"no {job_id}"),
        "depth of the queue": lambda _: steering.depth(channel, [_QUEUE]),
        "how fast it goes": lambda _: steering.rates(channel, [_QUEUE], time.time_ns() // 1_000_000),
    }
    return _timed(kinds, places, tries)


def _steered(url: str, jobs: int, tries: int) -> dict[str, dict[str, float]]:
    """Measure the same as a person's command does it: found in all queues, and given back what the job held."""
    app = create_app(Settings(redis_url=url, modules="noop", business=False))
    app.loader.import_default_modules()
    steering = Jobs(app, by="the benchmark")
    kinds: dict[str, Callable[[str], object]] = {
        "Jobs.show": steering.show,
        "Jobs.cancel": steering.cancel,
        "Jobs.set_priority": lambda job_id: steering.set_priority(job_id, "critical"),
    }
    places = iter(range(2, jobs, max(1, jobs // (tries * len(kinds)))))
    try:
        return _timed(kinds, places, tries)
    finally:
        store: Any = app.store  # the one on Redis
        store.client.close()
        app.close()


def _cancel(finder: Finder, job_id: str) -> None:
    found = finder.cancel(job_id, "by the benchmark")
    if found is not None:
        finder.settled(found, "by the benchmark")


def _timed(
    kinds: Mapping[str, Callable[[str], object]], places: Iterator[int], tries: int
) -> dict[str, dict[str, float]]:
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in track(range(tries), "by id", console=Console(stderr=True)):
        for name, do in kinds.items():
            job_id = _id(next(places, 1))
            begun = time.perf_counter()
            do(job_id)
            times[name].append(time.perf_counter() - begun)
    return {
        name: {"p50": statistics.median(them) * 1000, "p99": statistics.quantiles(them, n=100)[98] * 1000}
        for name, them in times.items()
    }


def _id(number: int) -> str:
    return f"{number:08d}-bench-of-ids-0000-00000000000"[:36]


def _later(number: int) -> str:
    return f"later-{_id(number)}"


def _claimed(number: int) -> str:
    return f"claimed-{_id(number)}"


def _message(job_id: str, queue: str = _QUEUE) -> dict[str, Any]:
    info = {"exchange": "", "routing_key": queue}
    properties = {"priority": 3, "delivery_tag": job_id, "delivery_info": info, "correlation_id": job_id}
    headers = {"id": job_id, "task": reliable.name, "argsrepr": "(1,)", "origin": "here", "lang": "py"}
    return {
        "body": base64.b64encode(json.dumps([["x" * 300], {}, {}]).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": headers,
        "properties": {**properties, "body_encoding": "base64"},
    }


def _used(client: Redis) -> int:
    info: Any = client.info("memory")
    return int(info["used_memory"])
