"""What a job costs its server, step by step: processor time, bytes and memory, from ``INFO``."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from redis import Redis
from server_taking import Taker

from tasks_platform import call, enqueue_many
from tasks_platform.broker.leased.scripts import Settled, with_index

#: Jobs that are claimed and acknowledged in one step by a busy worker, and pushed in one by ``enqueue_many``.
CLAIMED, GROUP = 50, 500
_INDEXED = with_index("-- INDEX\nfor i = 1, #ARGV do pushed('', 'bench', 'bench', ARGV[i]) end\nreturn #ARGV")


class Cost(NamedTuple):
    """What a step took for one job."""

    #: Microseconds of the server's processor, and of the client's clock.
    server: float
    client: float
    #: Bytes that the server was sent, and has sent.
    received: float
    sent: float


class Used(NamedTuple):
    """What a server has used so far."""

    seconds: float
    received: int
    sent: int
    memory: int

    @classmethod
    def by(cls, client: Redis) -> Used:
        """Ask a server."""
        told: Any = client.info()
        cpu = told["used_cpu_user"] + told["used_cpu_sys"]
        memory = told["used_memory"] - told.get("mem_aof_buffer", 0)  # which a slow disk fills
        return cls(cpu, told["total_net_input_bytes"], told["total_net_output_bytes"], memory)


def costs_of(app: Any, client: Redis, jobs: int) -> Iterator[tuple[str, Cost]]:
    """Yield the steps of a job and what each costs; *jobs* of them in groups, a third of it one by one."""
    task, few = app.tasks["bench.reliable"], max(1, jobs // 3)

    def cost(count: int, do: Callable[[], object]) -> Cost:
        before, begun = Used.by(client), time.perf_counter()
        do()
        seconds, after = time.perf_counter() - begun, Used.by(client)
        each = 1e6 / count
        return Cost(
            (after.seconds - before.seconds) * each,
            seconds * each,
            (after.received - before.received) / count,
            (after.sent - before.sent) / count,
        )

    yield "push, one by one", cost(few, lambda: [task.delay(number, "word") for number in range(few)])
    yield from _taken(Taker(app, "default"), few, 1, cost)
    calls = [call(task, number, "word") for number in range(jobs)]
    yield f"push, {GROUP} at a time", cost(jobs, lambda: enqueue_many(calls))
    yield from _taken(Taker(app, "default"), jobs, CLAIMED, cost)
    ids = [str(uuid.uuid4()) for _ in range(few)]
    store = app.backend.store_result
    yield "result, one by one", cost(few, lambda: [store(job_id, 1, "SUCCESS") for job_id in ids])
    yield f"of a push: the index, {GROUP} at a time", cost(jobs, lambda: _index(client, jobs))
    message = b"x" * 1000
    yield "LPUSH of 1 000 bytes, 100 at a time", cost(jobs, lambda: _plain(client, jobs, message))


def memory_of(app: Any, client: Redis, jobs: int) -> float:
    """Return how many bytes a job needs that waits, its place in the index included."""
    task, before = app.tasks["bench.reliable"], Used.by(client)
    enqueue_many([call(task, number, "word") for number in range(jobs)])
    return (Used.by(client).memory - before.memory) / jobs


def _taken(
    taker: Taker, jobs: int, most: int, cost: Callable[[int, Callable[[], object]], Cost]
) -> Iterator[tuple[str, Cost]]:
    claimed: list[list[Settled]] = []
    name = "one by one" if most == 1 else f"{most} at a time"
    yield f"claim, {name}", cost(jobs, lambda: claimed.extend(taker.claim(most) for _ in range(0, jobs, most)))
    yield f"settle, {name}", cost(jobs, partial(taker.settle_each, claimed))
    taker.close()


def _index(client: Redis, jobs: int) -> None:
    script = client.register_script(_INDEXED)
    for first in range(0, jobs, GROUP):
        script(args=[f"{number:036d}" for number in range(first, min(first + GROUP, jobs))])


def _plain(client: Redis, jobs: int, message: bytes) -> None:
    for _ in range(0, jobs, 100):
        with client.pipeline(transaction=False) as pipe:
            for _ in range(100):
                pipe.lpush("plain", message)
            pipe.execute()
