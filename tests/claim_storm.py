"""A storm of claims, in the middle of which random jobs are cancelled: what was begun, and what was answered."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import redis

from acceptance import shop
from acceptance.brokers import owed
from acceptance.closing import close
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from redis_server import RedisServer
from tasks_platform import Settings, create_app, enqueue_many
from tasks_platform.errors import JobError
from tasks_platform.jobs import Jobs, Queues
from waiting import wait_for

#: Every so many jobs one that takes some time, so that it runs when it is cancelled.
SLOW_EACH: Final = 10
SLOW_SECONDS: Final = 0.2
#: Cancelled are jobs that stand so far from the next one, in front of it or behind it.
AROUND: Final = 20
#: Seconds that a running job has to end by itself.
GRACE: Final = 0.05
PATIENCE: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Storm:
    """What came of it: jobs by their numbers."""

    #: What was answered to those who cancelled.
    answers: dict[int, str]
    #: How often each was begun, and came to its end.
    begun: Counter[int]
    done: Counter[int]
    #: What is left at the broker that should not be.
    left: list[str] = field(default_factory=list)
    jobs: int
    seconds: float

    @property
    def faults(self) -> list[str]:
        """What must not be, in words."""
        return [*self._faults(), *(f"{key} is left" for key in self.left)]

    def told(self, answer: str) -> int:
        """Return how many cancellations were answered so."""
        return sum(given == answer for given in self.answers.values())

    def _faults(self) -> Iterator[str]:
        for number in range(self.jobs):
            begun, done = self.begun[number], self.done[number]
            match self.answers.get(number):
                case None | "ended" if (begun, done) != (1, 1):
                    yield f"{number} was not cancelled in time; begun {begun} times, done {done} times"
                case "cancelled" if begun:
                    yield f"{number} was cancelled before it was begun, and begun {begun} times"
                case "ending" if begun > 1:
                    yield f"{number} was cancelled while it ran, and begun {begun} times"
                case "unheard":
                    yield f"nobody answered for {number}"


def storm(  # noqa: PLR0913 - the sizes of it
    server: RedisServer, folder: Path, *, jobs: int, pools: Sequence[str], cancellers: int, seed: int
) -> Storm:
    """Let workers, one of each of *pools*, run *jobs* while half of them are cancelled at random."""
    app = create_app(Settings(redis_url=server.url, modules="acceptance.shop", business=False))
    app.loader.import_default_modules()
    diary = folder / "storm"
    with redis.Redis.from_url(server.url, decode_responses=True) as client, ExitStack() as workers:
        ids = [handle.id for handle in enqueue_many(list(_calls(diary, jobs)))]
        Queues(app).pause("default", why="until all workers are ready")
        with ThreadPoolExecutor(len(pools)) as starting:
            list(starting.map(lambda n: workers.enter_context(_worker(server, folder, n, pools[n])), range(len(pools))))
        Queues(app).resume("default")
        began = time.monotonic()
        answers = _cancel(app, client, ids, cancellers, seed)
        wait_for(lambda: owed(client) == 0 and not _waiting(client), PATIENCE, "the end of all")
        seconds = time.monotonic() - began
        left = [key for key in ("leased:cancelled", "leased:graveyard", "leased:index:default") if client.exists(key)]
    close(app)
    app.store.client.close()
    lines = [line.partition(":") for line in read(diary)]
    count = {what: Counter(int(number) for word, _, number in lines if word == what) for what in ("begun", "done")}
    return Storm(answers=answers, **count, left=left, jobs=jobs, seconds=seconds)


def _worker(server: RedisServer, folder: Path, number: int, pool: str) -> AbstractContextManager[Worker]:
    return running_worker(PLATFORM, server.url, folder / f"{pool}-{number}.log", pool=pool)


def _calls(diary: Path, jobs: int) -> Iterator[Any]:
    for number in range(jobs):
        yield shop.begins_and_ends.s(diary, number, 0.0 if number % SLOW_EACH else SLOW_SECONDS)


def _cancel(app: Any, client: redis.Redis, ids: Sequence[str], cancellers: int, seed: int) -> dict[int, str]:
    """Cancel jobs that workers are just about to take, have, or have just had, until there are no more."""
    answers: dict[int, str] = {}

    def cancel(which: int) -> None:
        steering, chance = Jobs(app, by="the storm"), random.Random(f"{seed}-{which}")
        while (taken := len(ids) - _length(client)) < len(ids):
            number = taken + chance.randint(-AROUND, AROUND)
            number -= number % cancellers - which  # each has numbers of its own
            if not 0 <= number < len(ids) or number in answers:
                continue
            try:
                answers[number] = steering.cancel(ids[number], grace=GRACE).outcome
            except JobError:
                answers[number] = "ended"

    threads = [threading.Thread(target=cancel, args=(which,)) for which in range(cancellers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _length(client: redis.Redis) -> int:
    """Return how many stand in the queue, taken out of it or not."""
    found: Any = client.llen("default\x06\x163")
    return int(found)


def _waiting(client: redis.Redis) -> int:
    found: Any = client.hlen("leased:index:default")
    return int(found)
