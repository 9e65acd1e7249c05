"""The trial: a master under load is replaced again and again, and everything is accounted for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import redis

from acceptance.beats import running_beat
from acceptance.brokers import owed
from acceptance.workers import PLATFORM, Worker, running_worker
from sentinel_servers import Deployment
from switching.ledger import KINDS, TOLD, UNSURE, WORKERS, Line, read
from waiting import wait_for

TESTS: Final = Path(__file__).parents[1]
#: Seconds that nobody minds, by who goes on: a beat fires once a second.
_NOTICED: Final = {"beat": 2.5}
#: Seconds before a switch of which something may be lost with it, and after the sentinels have named another master
#: until everybody has left the old one.
BEFORE: Final = 1.0
AFTER: Final = 2.0
#: What a switch is called that the sentinels have made by themselves, for a server that was slow.
UNASKED: Final = "unasked"
#: How a master can be replaced.
WAYS: Final[dict[str, Callable[[Deployment], int]]] = {
    "kill": Deployment.kill,
    "freeze": Deployment.freeze,
    "failover": Deployment.fail_over,
    "planned": Deployment.plan,
}
#: Seconds in which everybody is at work again, and the old server is a replica; what is late is measured, and shown.
PATIENCE: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Switch:
    """What one switch has cost."""

    how: str
    #: When it was, in seconds since 1970.
    began: float
    #: Seconds until the sentinels named another master, and until each kind of process was at work again; 0: it never
    #: stopped for long.
    named: float
    seconds: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of all jobs."""

    #: Of which their producers were told that they are in their queues, and those that nobody knew about.
    told: int
    unsure: int
    ran: int
    #: Told and never run, and run more than once; by how the master was replaced when that happened.
    lost: dict[str, int]
    repeated: dict[str, int]
    #: Those of them that had nothing to do with a switch.
    unexplained: list[str]


@dataclass(kw_only=True)
class Scene:
    """Servers, and all who work with them."""

    folder: Path
    servers: Deployment
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        """Where everybody writes."""
        return self.folder / "ledger"

    @property
    def dead(self) -> list[str]:
        """Who has ended by itself."""
        names = [it.log.stem for it in self.workers if it.process.poll() is not None]
        return names + [str(it.args) for it in self.others if it.poll() is not None]

    @contextmanager
    def on(self) -> Iterator[None]:
        """Start everybody, and end them; the producer first, after which all jobs are waited for."""
        variables = {"SWITCH_LEDGER": str(self.ledger), "TASKS_MODULES": "switching.tasks", **self.environment}
        with ExitStack() as stack:
            stack.enter_context(_beat(self, variables))
            for pool in WORKERS:
                log = self.folder / f"{pool}.log"
                queues = f"{pool},default" if pool == "threads" else pool  # of all, for those who ask which are served
                worker = running_worker(
                    PLATFORM, self.servers.url, log, "-Q", queues, pool=pool, environment=variables, concurrency=2
                )
                self.workers.append(stack.enter_context(worker))
            with _producer(self, variables):
                wait_for(lambda: self.are_at_work(0.0), PATIENCE, f"everybody ({', '.join(KINDS)})")
                yield
            wait_for(self.is_idle, PATIENCE, "the last jobs")

    def are_at_work(self, since: float) -> bool:
        """Tell whether everybody has done something *since* then."""
        return {line.what for line in read(self.ledger) if line.at > since}.issuperset(KINDS)

    def is_idle(self) -> bool:
        """Tell whether nothing waits and nobody works."""
        with suppress(redis.RedisError, ValueError), self.servers.client() as client:
            of: Any = client
            waiting = sum(of.llen(key) for pool in WORKERS for key in of.keys(f"{pool}*"))
            return not (waiting or owed(client) or of.keys("leased:delayed:*"))
        return False

    def strike(self, how: str) -> Switch:
        """Replace the master, wait until everybody goes on, and mend what is broken."""
        wait_for(self.servers.is_whole, PATIENCE, "all replicas")
        began = time.time()
        old = WAYS[how](self.servers)
        wait_for(lambda: self.servers.master != old, PATIENCE, "another master")
        named = time.time()
        wait_for(lambda: self.are_at_work(named + 1.0) or self.dead, PATIENCE, f"everybody after: {how}")
        lines = read(self.ledger)
        if how == "kill":
            self.servers.start(old)
        elif how == "freeze":
            self.servers.wake(old)
        return Switch(
            how=how, began=began, named=named - began, seconds={kind: stood_still(lines, kind, began) for kind in KINDS}
        )


def perform(scene: Scene, ways: Sequence[str], told: Callable[[str], None] = lambda _: None) -> list[Switch]:
    """Replace the master in all these ways, one after the other."""
    switches = []
    with scene.on():
        for how in ways:
            told(how)
            switches.append(scene.strike(how))
            assert not scene.dead, f"ended by itself: {scene.dead}"
        wait_for(scene.servers.is_whole, PATIENCE, "all replicas")
    return switches


def stood_still(lines: list[Line], kind: str, since: float) -> float:
    """Return how long after *since* the longest pause of a *kind* was over; 0 if nobody would have noticed any."""
    moments = [line.at for line in lines if line.what == kind and line.at > since - 2.0]
    pauses = [(after - before, after) for before, after in pairwise(moments) if after > since]
    longest, over = max(pauses, default=(0.0, since))
    return over - since if longest > _NOTICED.get(kind, 0.5) else 0.0


def tally(lines: Sequence[Line], switches: Sequence[Switch], switched: Sequence[float]) -> Tally:
    """Compare what producers were told with what was run.

    *switched* says when the sentinels named another master, also unasked.
    """

    def cause(moment: float) -> str:
        near = (it.how for it in switches if it.began - BEFORE < moment < it.began + it.named + AFTER)
        unasked = (UNASKED for it in switched if it - BEFORE - AFTER < moment < it + AFTER)
        return next(near, next(unasked, ""))

    runs: dict[str, list[float]] = {}
    for line in lines:
        if line.what in WORKERS:
            runs.setdefault(line.name, []).append(line.at)
    told = [line for line in lines if line.what == TOLD]
    lost = {line.name: cause(line.at) for line in told if line.name not in runs}
    repeated = {name: cause(moments[0]) for name, moments in runs.items() if len(moments) > 1}
    return Tally(
        told=len(told),
        unsure=sum(line.what == UNSURE for line in lines),
        ran=len(runs),
        lost=dict(Counter(lost.values())),
        repeated=dict(Counter(repeated.values())),
        unexplained=[name for name, why in {**lost, **repeated}.items() if not why],
    )


@contextmanager
def _beat(scene: Scene, variables: dict[str, str]) -> Iterator[None]:
    with running_beat(scene.servers.url, scene.folder / "beat.log", variables) as beat:
        scene.others.append(beat)
        yield


@contextmanager
def _producer(scene: Scene, variables: dict[str, str]) -> Iterator[None]:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        "TASKS_REDIS_URL": scene.servers.url,
        "TASKS_BUSINESS": "false",
        **variables,
    }
    command = [sys.executable, "-m", "switching.producer"]
    with (scene.folder / "producer.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
    scene.others.append(process)
    try:
        yield
        process.communicate(timeout=PATIENCE)
    finally:
        scene.others.remove(process)
        process.kill()
        process.wait()
