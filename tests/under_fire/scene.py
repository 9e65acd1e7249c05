"""The scene: a server, workers of several kinds, and producers; all of it is ended in the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from celery import chain, chord

from redis_server import running_redis
from tasks_platform import Settings, create_app
from under_fire import ledger
from under_fire.account import Account, account, jobs_of
from under_fire.faults import FAULTS

TESTS = Path(__file__).parents[1]
#: Nothing that the server has acknowledged is lost with it.
KEPT = ("--appendonly", "yes", "--appendfsync", "always")
#: The workers: pool and concurrency.
CREW = (("prefork", 2), ("prefork", 2), ("threads", 4))
KINDS = ("succeeds", "succeeds", "succeeds", "fails_once", "is_held", "chain", "chord")


@dataclass
class Scene:
    """What runs."""

    folder: Path
    #: ``leased``, or ``redis`` for Celery's own transport.
    broker: str
    lease: float
    program: str | None = None
    port: int = 0
    workers: dict[subprocess.Popen[bytes], tuple[str, int]] = field(default_factory=dict)
    _server: ExitStack = field(default_factory=ExitStack)
    _pid: int = 0

    @property
    def ledger(self) -> Path:
        """The file of the ledger."""
        return self.folder / "ledger"

    @property
    def url(self) -> str:
        """The server of the records."""
        return f"redis://127.0.0.1:{self.port}/0"

    @contextmanager
    def on(self) -> Iterator[None]:
        """Start all of it, and end it."""
        os.environ["CHAOS_LEDGER"] = str(self.ledger)
        self.start_server()
        try:
            for pool, concurrency in CREW:
                self.start_worker(pool, concurrency)
            yield
        finally:
            for worker in list(self.workers):
                end(worker)
            self._server.close()

    def start_server(self) -> None:
        server = self._server.enter_context(
            running_redis(self.folder, *KEPT, port=self.port or None, program=self.program)
        )
        self.port, self._pid = server.port, server.pid

    def restart_server(self, pause: float) -> None:
        """Kill the server, and start it again after a *pause*, in seconds."""
        os.kill(self._pid, signal.SIGKILL)
        time.sleep(pause)
        self.start_server()

    def start_worker(self, pool: str, concurrency: int) -> None:
        """Start one worker."""
        name = f"{pool}-{len(list(self.folder.glob('*.log')))}"
        command = [sys.executable, "-m", "celery", "-A", "tasks_platform", "worker", "--hostname", f"{name}@%h"]
        command += ["--pool", pool, "--concurrency", str(concurrency), "--loglevel", "WARNING"]
        command += ["--without-mingle", "--without-gossip", "--without-heartbeat"]
        with (self.folder / f"{name}.log").open("ab") as log:
            worker = subprocess.Popen(
                command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers[worker] = (pool, concurrency)

    def replace(self, worker: subprocess.Popen[bytes]) -> None:
        """Start another worker in place of one that was killed."""
        pool, concurrency = self.workers.pop(worker)
        end(worker)
        self.start_worker(pool, concurrency)

    def some_worker(self, chance: random.Random, pool: str | None = None) -> subprocess.Popen[bytes]:
        """Return one of the workers."""
        return chance.choice([it for it, (kind, _) in self.workers.items() if pool in {None, kind}])

    @property
    def environment(self) -> dict[str, str]:
        """What workers are told."""
        plain = {"TASKS_BROKER_URL": self.url, "TASKS_VISIBILITY_TIMEOUT": str(max(1, round(self.lease)))}
        return {
            "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
            "TASKS_REDIS_URL": self.url,
            "TASKS_MODULES": "under_fire.tasks",
            "TASKS_BUSINESS": "false",
            "TASKS_LEASE": str(self.lease),
            "TASKS_DELIVERY_LIMIT": "1000",
            **(plain if self.broker == "redis" else {}),
        }


def perform(  # noqa: PLR0913 - what a person would say on the command line
    scene: Scene,
    *,
    seed: int,
    jobs: int,
    faults: int,
    every: float,
    told: Callable[[str, float], None] = lambda _what, _share: None,
) -> Account:
    """Send *jobs*, let *faults* strike, about one in *every* seconds, wait until nothing moves, and account for all."""
    chance = random.Random(seed)
    with scene.on():
        sender = threading.Thread(target=send_all, args=(scene, random.Random(seed + 1), jobs, told), daemon=True)
        sender.start()
        kinds, weights = list(FAULTS), list(FAULTS.values())
        for number in range(faults):
            time.sleep(chance.uniform(0.5, 1.5) * every)
            chance.choices(kinds, weights)[0](scene, chance)
            told("faults", (number + 1) / faults)
        sender.join()
        wait_until_done(scene, told)
    return account(ledger.read(scene.ledger))


def send_all(scene: Scene, chance: random.Random, jobs: int, told: Callable[[str, float], None]) -> None:
    """Send all jobs; the ledger says which were sent."""
    own = {"broker_url": scene.url} if scene.broker == "redis" else {}
    app = create_app(Settings(redis_url=scene.url, modules="under_fire.tasks", business=False, **own))
    app.loader.import_default_modules()
    sent = 0
    while sent < jobs:
        kind = chance.choice(KINDS)
        names, send = _order(app, kind, sent, chance)
        for name in names:
            ledger.write(ledger.SENDING, name)
        try:
            send()
        except Exception:  # noqa: BLE001 - whatever it is: nobody knows whether it was sent
            outcome = ledger.UNSURE
            time.sleep(0.2)
        else:
            outcome = ledger.SENT
        for name in names:
            ledger.write(outcome, name)
        sent += len(names)
        told("jobs", min(1.0, sent / jobs))
    app.close()


def _order(app: Any, kind: str, number: int, chance: random.Random) -> tuple[list[str], Callable[[], object]]:
    """Return the names of jobs, and what sends them."""
    task = {
        name: app.tasks[f"under_fire.tasks.{name}"] for name in ("succeeds", "fails_once", "is_held", "links", "joins")
    }
    name = f"{kind}-{number}"
    if kind == "is_held":
        return [name], lambda: task[kind].delay(name, time.time() + chance.uniform(0.1, 3.0))
    if kind == "chain":
        names = [f"{name}.{step}" for step in range(3)]
        return names, lambda: chain(*(task["links"].si(one) for one in names)).apply_async()
    if kind == "chord":
        names = [f"{name}.{part}" for part in range(3)]
        body = f"{name}.body"
        return [*names, body], lambda: chord(
            [task["links"].s(one) for one in names], task["joins"].s(body)
        ).apply_async()
    return [name], lambda: task[kind].delay(name)


def wait_until_done(scene: Scene, told: Callable[[str, float], None]) -> None:
    """Wait until all that was sent has ended, or nothing has moved for long."""
    patience = 3 * scene.lease + 30
    before, since = -1, time.monotonic()
    while time.monotonic() - since < patience:
        jobs, _ = jobs_of(ledger.read(scene.ledger))
        open_jobs = sum(job.sent and not job.ends for job in jobs.values())
        if not open_jobs:
            break
        told("done", 1 - open_jobs / len(jobs))
        if open_jobs != before:
            before, since = open_jobs, time.monotonic()
        time.sleep(1.0)
    with suppress(redis.RedisError):  # what is run twice is run after the lease of a dead worker
        time.sleep(scene.lease + 1.0)
    told("done", 1.0)


def end(worker: subprocess.Popen[bytes]) -> None:
    """End a worker with all its processes."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
