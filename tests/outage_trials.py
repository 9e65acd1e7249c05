"""Trials of what ends or is away while jobs are at work: how long until work went on, and how often a job was begun."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import redis

from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from redis_proxy import RedisProxy, redis_proxy
from redis_server import RedisServer, free_port, running_redis
from tasks_platform import Settings, create_app
from waiting import wait_for

#: Nothing that the server has acknowledged is lost with it.
KEPT: Final = ("--appendonly", "yes", "--appendfsync", "always")
#: Seconds until workers are at work again when the server is, and until a dead worker's job runs after its lease.
AGAIN: Final = 10.0
GRACE: Final = 2.0
#: Seconds to wait for what ought to be there much sooner: what is late is measured, and shown.
PATIENCE: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How long things last, in seconds."""

    lease: float = 4.0
    #: That the network, the server, or its being a master, is away.
    away: float = 60.0
    job: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a trial has shown."""

    #: Seconds until work went on, and how many there may be; None where it never stopped.
    seconds: float | None = None
    bound: float | None = None
    #: How often the job that was at work was begun, and how often it had to be.
    starts: int
    expected: int

    @property
    def good(self) -> bool:
        """Whether it is as promised."""
        in_time = self.seconds is None or self.bound is None or self.seconds <= self.bound
        return in_time and self.starts == self.expected


@dataclass(kw_only=True)
class Stage:
    """A server, two workers, and who sends jobs; the network between them can be cut."""

    folder: Path
    pool: str
    sizes: Sizes
    server: RedisServer
    proxy: RedisProxy
    app: Any
    client: redis.Redis
    workers: list[Worker] = field(default_factory=list)
    #: Ends all of it.
    stack: ExitStack

    def send(self, name: str, *args: Any) -> Path:
        """Send a job; return its diary."""
        diary = self.folder / f"{name}-{time.monotonic_ns()}"
        self.app.send_task(f"outage_tasks.{name}", (str(diary), *args))
        return diary

    def begin(self, name: str, *args: Any) -> Path:
        """Send a job, and wait until it is at work."""
        diary = self.send(name, *args)
        wait_for(lambda: read(diary), PATIENCE, "the start of a job")
        return diary

    def start_worker(self) -> Worker:
        """Start another worker."""
        worker = self.stack.enter_context(
            running_worker(
                PLATFORM,
                self.proxy.url,
                self.folder / f"worker-{len(self.workers)}.log",
                pool=self.pool,
                concurrency=2,
                environment={"TASKS_LEASE": str(self.sizes.lease), "TASKS_MODULES": "outage_tasks"},
            )
        )
        self.workers.append(worker)
        return worker

    def goes_on(self, running: Path) -> float:
        """Return in how many seconds a new job has been begun, and the *running* one, told to end, is acknowledged."""
        since = time.monotonic()
        diary = self.send("is_begun")
        wait_for(lambda: read(diary), PATIENCE, "a new job")
        wait_for(lambda: owed(self.client) == 0, PATIENCE, f"the acknowledgement of {running.name}")
        return time.monotonic() - since


@contextmanager
def stage(folder: Path, pool: str, sizes: Sizes) -> Iterator[Stage]:
    """Set the stage; the first of the two workers is alone until a trial starts the second."""
    with ExitStack() as stack:
        server = stack.enter_context(running_redis(folder, *KEPT))
        proxy = stack.enter_context(redis_proxy(server.port))
        app = create_app(Settings(redis_url=server.url, business=False))
        stack.callback(app.close)
        client = stack.enter_context(redis.Redis(port=server.port))
        there = Stage(
            folder=folder, pool=pool, sizes=sizes, server=server, proxy=proxy, app=app, client=client, stack=stack
        )
        there.start_worker()
        yield there


def a_worker_is_killed(there: Stage) -> Outcome:
    """Kill a worker with all its processes while another one is idle."""
    running = there.begin("lasts_the_first_time")
    there.start_worker()
    os.killpg(there.workers[0].process.pid, signal.SIGKILL)
    return _runs_elsewhere(there, running)


def a_worker_is_told_to_stop_and_killed(there: Stage) -> Outcome:
    """Tell a worker to stop, and kill it a second later, while another one is idle."""
    running = there.begin("lasts_the_first_time")
    there.start_worker()
    there.workers[0].send(signal.SIGTERM)
    time.sleep(1.0)
    os.killpg(there.workers[0].process.pid, signal.SIGKILL)
    return _runs_elsewhere(there, running)


def a_job_is_longer_than_its_lease(there: Stage) -> Outcome:
    """Let a job run for many leases while another worker is idle, and cut all connections in its middle."""
    there.start_worker()
    running = there.begin("lasts", there.sizes.job)
    time.sleep(there.sizes.job / 2)
    _cut(there)
    wait_for(lambda: read(running.with_suffix(".end")), there.sizes.job + PATIENCE, "the end of the job")
    wait_for(lambda: owed(there.client) == 0, PATIENCE, "its acknowledgement")
    return Outcome(starts=len(read(running)), expected=1)


def the_network_refuses(there: Stage) -> Outcome:
    """Cut all connections, and refuse new ones for a while."""
    running = _begin_with_two(there)
    there.proxy.down = True
    _cut(there)
    time.sleep(there.sizes.away)
    _tell(running)
    there.proxy.mend()
    return _is_at_work_again(there, running)


def the_network_is_silent(there: Stage) -> Outcome:
    """Let nothing through for a while, and tell nobody of it."""
    running = _begin_with_two(there)
    there.proxy.silent = True
    time.sleep(there.sizes.away)
    _tell(running)
    there.proxy.mend()
    return _is_at_work_again(there, running)


def the_server_restarts(there: Stage) -> Outcome:
    """Kill the server, and start it again on its files after a while."""
    running = _begin_with_two(there)
    os.kill(there.server.pid, signal.SIGKILL)
    time.sleep(there.sizes.away)
    _tell(running)
    there.stack.enter_context(running_redis(there.folder, *KEPT, port=there.server.port))
    return _is_at_work_again(there, running)


def the_server_is_a_replica(there: Stage) -> Outcome:
    """Let the server answer READONLY for a while."""
    running = _begin_with_two(there)
    there.client.replicaof("127.0.0.1", str(free_port()))
    time.sleep(there.sizes.away)
    _tell(running)
    there.client.replicaof("NO", "ONE")
    return _is_at_work_again(there, running)


TRIALS: Final[tuple[Callable[[Stage], Outcome], ...]] = (
    a_worker_is_killed,
    a_worker_is_told_to_stop_and_killed,
    a_job_is_longer_than_its_lease,
    the_network_refuses,
    the_network_is_silent,
    the_server_restarts,
    the_server_is_a_replica,
)


def _begin_with_two(there: Stage) -> Path:
    there.start_worker()
    return there.begin("lasts_until_told")


def _tell(running: Path) -> None:
    running.with_suffix(".end").touch()


def _cut(there: Stage) -> None:
    for kind in ("normal", "pubsub"):
        there.client.client_kill_filter(_type=kind, skipme=True)


def _runs_elsewhere(there: Stage, running: Path) -> Outcome:
    killed = time.monotonic()
    wait_for(lambda: len(read(running)) > 1, PATIENCE, "the second start")
    seconds = time.monotonic() - killed
    wait_for(lambda: owed(there.client) == 0, PATIENCE, "the acknowledgement")
    return Outcome(seconds=seconds, bound=there.sizes.lease + GRACE, starts=len(read(running)), expected=2)


def _is_at_work_again(there: Stage, running: Path) -> Outcome:
    seconds = there.goes_on(running)
    time.sleep(there.sizes.lease + GRACE)  # what is begun a second time is so when a lease has ended
    return Outcome(seconds=seconds, bound=AGAIN, starts=len(read(running)), expected=1)
