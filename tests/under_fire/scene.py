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
from typing import Final

from redis_server import running_redis
from tasks_platform import Settings, create_app
from under_fire import ledger, tasks
from under_fire.account import Account, account
from under_fire.faults import chosen
from under_fire.remains import amiss_in_letters, remains_after
from under_fire.sending import Producer
from waiting import wait_for

TESTS = Path(__file__).parents[1]
#: Nothing that the server has acknowledged is lost with it.
KEPT = ("--appendonly", "yes", "--appendfsync", "always")
#: The workers: pool and concurrency.
CREW = (("prefork", 2), ("prefork", 2), ("threads", 4))
#: How many of them are at work before the next fault strikes.
AT_WORK: Final = 2
#: How far the share of jobs that were sent is ahead of the share of faults that have struck.
AHEAD: Final = 0.1
#: Seconds for which nothing may change before what is left is taken for stuck: the longest wait is that for a step
#: whose worker has died, of three leases.
PATIENCE: Final = 120.0


@dataclass
class Scene:
    """What runs."""

    folder: Path
    #: ``leased``, or ``redis`` for Celery's own transport.
    broker: str
    lease: float
    #: Seconds that a worker has to finish what runs when it is told to stop.
    grace: float = 3.0
    #: How many workers may die with a message.
    delivery_limit: int = 5
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
        tasks.sign_of(worker.pid).unlink(missing_ok=True)
        self.start_worker(pool, concurrency)

    def some_worker(self, chance: random.Random, pool: str | None = None) -> subprocess.Popen[bytes]:
        """Return one of the workers that take jobs, as soon as there is one."""
        return chance.choice(wait_for(lambda: self.ready(pool), 60.0, "a worker that is ready"))

    def ready(self, pool: str | None = None) -> list[subprocess.Popen[bytes]]:
        """Return the workers that take jobs; one that has ended by itself is replaced, and told of."""
        for worker in list(self.workers):
            if (code := worker.poll()) is not None:
                ledger.write(ledger.TROUBLE, f"a worker ended by itself ({code})")
                self.replace(worker)
        of = [worker for worker, (kind, _) in self.workers.items() if pool in {None, kind}]
        return [worker for worker in of if tasks.sign_of(worker.pid).exists()]

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
            "TASKS_DELIVERY_LIMIT": str(self.delivery_limit),
            "TASKS_GRACE_PERIOD": str(self.grace),
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
    """Send *jobs*, let *faults* strike, about one in *every* seconds, wait until nothing moves, and account for all.

    Jobs are sent as long as faults strike, and a bit ahead of them, so that each meets some.
    """
    chance = random.Random(seed)
    struck = 0

    def is_time(share: float) -> bool:
        return share <= struck / max(1, faults) + AHEAD or struck >= faults

    with scene.on():
        sender = threading.Thread(
            target=send_all, args=(scene, random.Random(seed + 1), jobs, is_time, told), daemon=True
        )
        sender.start()
        for strike in chosen(faults, chance):
            time.sleep(chance.uniform(0.5, 1.5) * every)
            wait_for(lambda: len(scene.ready()) >= AT_WORK, 60.0, "workers that are ready")
            strike(scene, chance)
            struck += 1
            told("faults", struck / faults)
        sender.join()
        left = remains_after(scene.url, PATIENCE, lambda share: told("done", share))
        scene.ready()
        result = account(ledger.read(scene.ledger), scene.lease, scene.delivery_limit)
        expected, possible = result.refused | result.given_up, result.perhaps_given_up
        result.troubles += [*left.troubles, *amiss_in_letters(scene.url, expected, possible)]
    return result


def send_all(
    scene: Scene,
    chance: random.Random,
    jobs: int,
    is_time: Callable[[float], bool],
    told: Callable[[str, float], None],
) -> None:
    """Send all jobs; the ledger says which were sent."""
    broker_url = scene.url if scene.broker == "redis" else None
    app = create_app(Settings(redis_url=scene.url, modules="under_fire.tasks", business=False, broker_url=broker_url))
    app.loader.import_default_modules()
    Producer(app, chance).send_all(jobs, is_time, lambda share: told("jobs", share))
    app.close()


def end(worker: subprocess.Popen[bytes]) -> None:
    """End a worker with all its processes."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
