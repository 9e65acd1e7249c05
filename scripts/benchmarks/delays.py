"""What delayed jobs cost: a million that are due later, and ten thousand that are due in the same second."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

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
#: Bytes of the server per job, bytes of a worker for all of them, and seconds in which those of one second start.
BOUNDS: Final = {"server": 1536, "worker": 20_000_000, "spread": 10.0}
#: The pools, with how much they do at a time.
POOLS: Final = {"threads": 8, "prefork": 2}
_DELAYED: Final = "leased:delayed:default"
_BATCH: Final = 5000
_DEADLINE: Final = 300.0


@click.command()
@click.option("--jobs", default=1_000_000, show_default=True, help="Jobs that are due in a day.")
@click.option("--burst", default=10_000, show_default=True, help="Jobs that are due in the same second.")
@click.option("--pool", type=click.Choice(list(POOLS)), default="threads", show_default=True, help="Who runs them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def delays(jobs: int, burst: int, pool: str, *, as_json: bool) -> None:
    """Measure what delayed jobs cost the server and a worker, and how soon many start that are due at once.

    Ends with 1 where a bound is missed, or a job starts early.
    """
    with tempfile.TemporaryDirectory() as folder, embedded.start(Path(folder)) as server:
        app = create_app(Settings(redis_url=server.url, business=False, modules="delayed"))
        app.loader.import_default_modules()
        client = Redis.from_url(server.url)
        starts = Path(folder) / "starts"
        starts.touch()
        worker = _worker(server.url, pool, starts)
        try:
            _until(lambda: app.control.ping(timeout=1))
            memory, used = _memory(worker.pid), _used(client)
            _send(client, app.tasks["bench.starts"], jobs, datetime.now(UTC) + timedelta(days=1), "delayed")
            per_job = (_used(client) - used) / jobs
            time.sleep(10)  # the worker looks at them a few times
            grown = _memory(worker.pid) - memory
            due = datetime.now(UTC) + timedelta(seconds=5 + burst / 2000)
            _send(client, app.tasks["bench.starts"], burst, due, "due at once")
            _until(lambda: len(starts.read_text().splitlines()) == burst)
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
        app.close()
        moments = sorted(float(moment) - due.timestamp() for moment in starts.read_text().splitlines())
    figures = {
        "server, bytes per job": round(per_job),
        "worker, bytes for all": grown,
        "first start after due, ms": round(moments[0] * 1000, 1),
        "last start after due, s": round(moments[-1], 2),
        "started early": sum(moment < 0 for moment in moments),
    }
    if as_json:
        click.echo(json.dumps({"jobs": jobs, "burst": burst, "pool": pool, **figures}, indent=2))
    else:
        table = Table("", "", title=f"{jobs:,} jobs due in a day, {burst:,} in the same second")
        for name, value in figures.items():
            table.add_row(name, f"{value:,}")
        Console().print(table)
    if per_job > BOUNDS["server"] or grown > BOUNDS["worker"] or moments[-1] > BOUNDS["spread"] or moments[0] < 0:
        sys.exit("a bound is missed")


def _send(client: Redis, task: Any, count: int, due: datetime, what: str) -> None:
    """Put *count* messages where a sender puts them: the first is sent, the others are its like."""
    task.apply_async((0,), eta=due)
    near = due.timestamp() * 1000
    found: Any = client.zrangebyscore(_DELAYED, near - 1, near + 1, withscores=True)
    ((member, score),) = found
    pattern = member.split(b"|", 2)[2]
    job_id = json.loads(pattern)["headers"]["id"].encode()
    for first in track(range(1, count, _BATCH), what, console=Console(stderr=True)):
        members = {}
        for number in range(first, min(first + _BATCH, count)):
            name = f"{number:08d}-{what[:7]}-bench".encode().ljust(len(job_id), b"0")[: len(job_id)]
            members[b"%020d|3|%s" % (time.time_ns(), pattern.replace(job_id, name))] = score
        client.zadd(_DELAYED, members)


def _worker(url: str, pool: str, starts: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "TASKS_REDIS_URL": url,
        "TASKS_MODULES": "delayed",
        "TASKS_BUSINESS": "false",
        STARTS: str(starts),
    }
    command = [sys.executable, "-m", "celery", "-A", "tasks_platform", "worker", "--pool", pool]
    command += ["--concurrency", str(POOLS[pool]), "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603


def _memory(pid: int) -> int:
    """Return the bytes of a process that are in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _used(client: Redis) -> int:
    info: Any = client.info("memory")
    return int(info["used_memory"])


def _until(condition: Any) -> None:
    deadline = time.monotonic() + _DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the worker did not do what it should")
        time.sleep(0.1)
