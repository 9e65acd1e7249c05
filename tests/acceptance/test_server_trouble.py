"""A server that is a replica for a while, or that nobody reaches: workers go on when it is back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from redis_proxy import redis_proxy
from redis_server import free_port
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

#: Seconds in which a worker is to be at work again.
SOON = 10
LEASE = 3.0
BRIEF = {"TASKS_LEASE": str(LEASE)}


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_server_that_was_a_replica_for_a_while_is_used_again(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, pool: str
) -> None:
    with (
        running_worker(PLATFORM, server.url, logs / f"demoted-{pool}.log", pool=pool, environment=BRIEF) as worker,
        running_worker(PLATFORM, server.url, logs / f"idle-{pool}.log", pool=pool, environment=BRIEF),
    ):
        job = shop.charges.delay(diary, 1)
        wait_for(lambda: read(diary), 20, "the start")
        client.replicaof("127.0.0.1", free_port())
        began = time.monotonic()
        try:
            wait_for(lambda: worker.said("READONLY") or worker.said("You can't write against"), 20, "the trouble")
            wait_for(lambda: time.monotonic() - began > LEASE + 2, 20, "the end of a lease that nobody could keep")
            diary.with_suffix(".end").touch()
        finally:
            client.replicaof("NO", "ONE")
        assert shop.add.delay(1, 2).get(timeout=SOON) == 3
        assert job.get(timeout=SOON) == 100
        wait_for(lambda: owed(client) == 0, SOON, "the acknowledgements")
        assert len(read(diary)) == 1


@pytest.mark.parametrize(("how", "seconds"), [("refused", 12), ("silent", 6)])
def test_a_server_that_nobody_reached_is_used_again(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, how: str, seconds: float
) -> None:
    with redis_proxy(server.port) as proxy, running_worker(PLATFORM, proxy.url, logs / f"{how}.log", environment=BRIEF):
        job = shop.charges.delay(diary, 2)
        wait_for(lambda: read(diary), 20, "the start")
        if how == "refused":
            proxy.down = True
            client.client_kill_filter(_type="normal", skipme=True)
            client.client_kill_filter(_type="pubsub", skipme=True)
        else:
            proxy.silent = True
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > seconds, 20, "a while")
        diary.with_suffix(".end").touch()
        proxy.mend()
        back = time.monotonic()
        wait_for(lambda: owed(client) == 0, SOON, "the acknowledgement")
        added = shop.add.delay(1, 2)
        # asked for, not listened to: the connection of this process on which it hears of results was cut, too
        wait_for(added.ready, SOON - (time.monotonic() - back), "another job")
        wait_for(job.ready, SOON, "the job that ran all the time")
        assert (added.result, job.result) == (3, 200)
        assert len(read(diary)) == 1
