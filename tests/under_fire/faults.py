"""The faults: what is done to workers, their processes, the server, and its connections."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import redis

from month import children_of
from under_fire.ledger import FAULT, write

if TYPE_CHECKING:
    from under_fire.scene import Scene

#: Seconds that a worker stands still at most, and has between TERM and KILL.
_FREEZE, _GRACE = 4.0, 1.0


def kill_child(scene: Scene, chance: random.Random) -> None:
    """Kill one process of a pool, as the kernel does that is out of memory."""
    worker = scene.some_worker(chance, pool="prefork")
    children = children_of(worker.pid)
    if children:
        victim = chance.choice(children)
        write(FAULT, "kill of a child", victim)
        _signal(victim, signal.SIGKILL)


def kill_worker(scene: Scene, chance: random.Random) -> None:
    """Kill a worker's main process; its children are to end with it."""
    worker = scene.some_worker(chance)
    write(FAULT, "kill of a worker", worker.pid)
    _signal(worker.pid, signal.SIGKILL)
    scene.replace(worker)


def kill_group(scene: Scene, chance: random.Random) -> None:
    """Kill a worker with all its processes, as a machine that loses its power."""
    worker = scene.some_worker(chance)
    write(FAULT, "kill of a group", worker.pid)
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    scene.replace(worker)


def freeze(scene: Scene, chance: random.Random) -> None:
    """Let a worker stand still, for longer than its lease now and then."""
    worker = scene.some_worker(chance)
    write(FAULT, "standstill", worker.pid)
    _signal(worker.pid, signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, _FREEZE))
    write(FAULT, "standstill", worker.pid)
    _signal(worker.pid, signal.SIGCONT)


def stop(scene: Scene, chance: random.Random) -> None:
    """Tell a worker to stop, and kill it when it does not do so at once."""
    worker = scene.some_worker(chance)
    write(FAULT, "TERM, then KILL", worker.pid)
    _signal(worker.pid, signal.SIGTERM)
    with suppress(Exception):
        worker.wait(_GRACE)
    write(FAULT, "TERM, then KILL", worker.pid)
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    scene.replace(worker)


def cut(scene: Scene, chance: random.Random) -> None:
    """Cut all connections."""
    write(FAULT, "cut of all connections")
    with suppress(redis.RedisError), redis.Redis(port=scene.port) as client:
        for kind in ("normal", "pubsub"):
            client.client_kill_filter(_type=kind, skipme=True)


def restart_server(scene: Scene, chance: random.Random) -> None:
    """Kill the server, and start it again on its files."""
    write(FAULT, "kill of the server")
    scene.restart_server(chance.uniform(0.0, 2.0))


#: How often each of them strikes, in relation to the others.
FAULTS: dict[Callable[[Scene, random.Random], None], int] = {
    kill_child: 3,
    kill_worker: 4,
    kill_group: 4,
    freeze: 2,
    stop: 2,
    cut: 2,
    restart_server: 1,
}


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
