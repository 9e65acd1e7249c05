"""The faults: what is done to workers, their processes, the server, and its connections."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import redis

from month import children_of, is_alive
from under_fire.account import STANDSTILL, TERM
from under_fire.ledger import TROUBLE, striking, write

if TYPE_CHECKING:
    from under_fire.scene import Scene

#: Seconds between TERM and KILL.
_BRIEF: Final = 1.0
#: Seconds that a worker takes to end after its grace period, and a pool process after its worker was killed, at most.
_TO_END: Final = 10.0
_TO_FOLLOW: Final = 2.0


def kill_child(scene: Scene, chance: random.Random) -> None:
    """Kill one process of a pool, as the kernel does that is out of memory."""
    worker = scene.some_worker(chance, pool="prefork")
    children = children_of(worker.pid)
    if children:
        victim = chance.choice(children)
        with striking("kill of a child", victim):
            _signal(victim, signal.SIGKILL)
            _all_end([victim], _TO_FOLLOW)


def kill_worker(scene: Scene, chance: random.Random) -> None:
    """Kill a worker's main process; its children are to end with it."""
    worker = scene.some_worker(chance)
    children = children_of(worker.pid)
    with striking("kill of a worker", worker.pid):
        _signal(worker.pid, signal.SIGKILL)
        if not _all_end(children, _TO_FOLLOW):
            write(TROUBLE, f"pool processes went on for {_TO_FOLLOW:g} s after their worker was killed")
        scene.replace(worker)


def kill_group(scene: Scene, chance: random.Random) -> None:
    """Kill a worker with all its processes, as a machine that loses its power."""
    worker = scene.some_worker(chance)
    with striking("kill of a group", worker.pid):
        scene.replace(worker)


def freeze(scene: Scene, chance: random.Random) -> None:
    """Let a worker stand still, for much less than its lease or for longer."""
    worker = scene.some_worker(chance)
    seconds = scene.lease * (chance.uniform(0.1, 0.5) if chance.random() < 0.5 else chance.uniform(1.1, 1.5))
    with striking(STANDSTILL, worker.pid):
        _signal(worker.pid, signal.SIGSTOP)
        time.sleep(seconds)
        _signal(worker.pid, signal.SIGCONT)


def stop(scene: Scene, chance: random.Random) -> None:
    """Tell a worker to stop, and let it do so."""
    worker = scene.some_worker(chance)
    with striking(TERM, worker.pid):
        children = children_of(worker.pid)
        _signal(worker.pid, signal.SIGTERM)
        if not _ends(worker, scene.grace + _TO_END) or not _all_end(children, _TO_FOLLOW):
            write(TROUBLE, f"a worker had not ended {_TO_END:g} s after its grace period")
        scene.replace(worker)


def stop_brutally(scene: Scene, chance: random.Random) -> None:
    """Tell a worker to stop, and kill it when it does not do so at once."""
    worker = scene.some_worker(chance)
    _signal(worker.pid, signal.SIGTERM)
    _ends(worker, _BRIEF)
    with striking("KILL after TERM", worker.pid):
        scene.replace(worker)


def cut(scene: Scene, chance: random.Random) -> None:
    """Cut all connections."""
    with striking("cut of all connections"), suppress(redis.RedisError), redis.Redis(port=scene.port) as client:
        for kind in ("normal", "pubsub"):
            client.client_kill_filter(_type=kind, skipme=True)


def restart_server(scene: Scene, chance: random.Random) -> None:
    """Kill the server, and start it again on its files."""
    with striking("kill of the server"):
        scene.restart_server(chance.uniform(0.0, 2.0))


#: How often each of them strikes, in relation to the others.
FAULTS: dict[Callable[[Scene, random.Random], None], int] = {
    kill_child: 6,
    kill_worker: 6,
    kill_group: 6,
    freeze: 3,
    stop: 3,
    stop_brutally: 3,
    cut: 4,
    restart_server: 2,
}


def chosen(number: int, chance: random.Random) -> list[Callable[[Scene, random.Random], None]]:
    """Return so many faults, by chance, as often as they are to strike: all kinds are among the first 33."""
    every = [fault for fault, times in FAULTS.items() for _ in range(times)]
    return [fault for _ in range(-(-number // len(every))) for fault in chance.sample(every, len(every))][:number]


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _ends(worker: subprocess.Popen[bytes], seconds: float) -> bool:
    """Tell whether a worker ends within *seconds*."""
    try:
        worker.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _all_end(pids: list[int], seconds: float) -> bool:
    """Tell whether all these processes end within *seconds*."""
    deadline = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
