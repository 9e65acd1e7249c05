"""A connection that is cut, a server that is killed and comes back: jobs go on, run once, and are acknowledged."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from celery import chain

from acceptance import shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.faults import CUT_AFTER_NOTING, CUT_BEFORE_NOTING, CUT_WHEN_HANDED
from acceptance.workers import PLAIN, PLATFORM, Worker, running_worker
from month import children_of
from redis_server import RedisServer, running_redis
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tasks_platform.celery import PlatformApp

#: Celery's result client forgets its sockets when it connects again, in the process of the tests as well.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

#: What is written is kept when the server is killed.
KEPT = ("--appendonly", "yes", "--appendfsync", "always")
LOST = "Connection to broker lost"


@dataclass
class Mortal:
    """A server that is killed and started again on the same files."""

    folder: Path
    port: int
    #: Ends whichever server runs in the end.
    at_the_end: ExitStack

    def kill(self, worker: Worker) -> None:
        """Kill it, and let *worker* notice."""
        with redis.Redis(port=self.port) as client:
            os.kill(client.info("server")["process_id"], signal.SIGKILL)
        wait_for(lambda: worker.said(LOST), 20, "the loss")

    def start_again(self) -> None:
        self.at_the_end.enter_context(running_redis(self.folder, *KEPT, port=self.port))


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    folder = tmp_path_factory.mktemp("kept")
    with ExitStack() as stack:
        server = stack.enter_context(running_redis(folder, *KEPT))
        yield Mortal(folder=folder, port=server.port, at_the_end=stack)


@pytest.fixture(scope="module")
def server(mortal: Mortal) -> RedisServer:
    """Take the place of the server that other test files share."""
    return RedisServer(port=mortal.port, pid=0)


def cut(client: redis.Redis, worker: Worker) -> None:
    """Cut all connections, as a network does."""
    for kind in ("normal", "pubsub"):
        client.client_kill_filter(_type=kind, skipme=True)
    wait_for(lambda: worker.said(LOST), 20, "the loss")


def test_plain_celery_runs_a_late_acknowledged_job_twice_when_its_connection_is_cut(
    plain: Celery, plain_url: str, client: redis.Redis, logs: Path, diary: Path
) -> None:
    with running_worker(PLAIN, plain_url, logs / "plain.log") as worker:
        plain.send_task("acceptance.plain.is_slow", (str(diary),))
        wait_for(lambda: read(diary), 20, "the start")
        cut(client, worker)
        wait_for(lambda: len(read(diary)) == 2, 20, "the second start")


def test_a_job_runs_once_when_the_connection_is_cut_and_a_delayed_one_is_not_forgotten(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, tmp_path: Path
) -> None:
    running, delayed = tmp_path / "running", tmp_path / "delayed"
    with running_worker(PLATFORM, server.url, logs / "cut.log") as worker:
        shop.notes_a_number.apply_async((delayed, 1), countdown=3)
        assert client.zcard("leased:delayed:default") == 1
        job = shop.charges.delay(running, 1)
        wait_for(lambda: read(running), 20, "the start")
        cut(client, worker)
        wait_for(lambda: read(delayed), 30, "the delayed job")
        running.with_suffix(".end").touch()
        assert job.get(timeout=20) == 100
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")
        assert (read(running), read(delayed)) == ([f"{job.id}:1"], ["1"])


@pytest.mark.checklist(12)
@pytest.mark.parametrize("fault", [CUT_BEFORE_NOTING, CUT_AFTER_NOTING, CUT_WHEN_HANDED])
def test_a_job_that_was_just_taken_when_the_connection_broke_is_run(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path, fault: str
) -> None:
    with running_worker(PLATFORM, server.url, logs / f"{fault}.log") as worker:
        worker.arm(fault)
        shop.notes_a_number.delay(diary, 1)
        wait_for(lambda: read(diary), 30, "the job")
        assert worker.said(LOST)
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgement")
    assert read(diary) == ["1"]


@pytest.mark.checklist(12)
def test_a_job_runs_once_whose_process_had_not_said_that_it_began_when_the_connection_was_cut(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    with running_worker(PLATFORM, server.url, logs / "unsaid.log", concurrency=1) as worker:
        (child,) = children_of(worker.process.pid)
        os.kill(child, signal.SIGSTOP)
        try:
            job = shop.add.delay(1, 2)
            shop.notes_a_number.delay(diary, 1)
            wait_for(lambda: owed(client) == 1, 20, "the arrival")
            cut(client, worker)
        finally:
            os.kill(child, signal.SIGCONT)
        assert job.get(timeout=20) == 3
        wait_for(lambda: read(diary), 20, "the other job")
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")
        assert worker.told("started", job.id) == 1


def test_plain_celery_ends_when_its_server_is_killed_while_a_late_acknowledged_job_runs(
    plain: Celery, plain_url: str, mortal: Mortal, logs: Path, diary: Path
) -> None:
    with running_worker(PLAIN, plain_url, logs / "plain-killed.log") as worker:
        plain.send_task("acceptance.plain.is_slow", (str(diary),))
        wait_for(lambda: read(diary), 20, "the start")
        mortal.kill(worker)
        mortal.start_again()
        worker.wait()
        assert worker.said("Unrecoverable error")


@pytest.mark.parametrize("pool", ["prefork", "threads"])
@pytest.mark.checklist(12, 84, 85)
def test_a_job_runs_once_and_its_chain_goes_on_when_the_server_is_killed_and_comes_back(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, mortal: Mortal, client: redis.Redis, logs: Path, diary: Path, pool: str
) -> None:
    with running_worker(PLATFORM, server.url, logs / f"{pool}.log", pool=pool) as worker:
        end = chain(shop.charges.si(diary, 1), shop.add.s(1)).apply_async()
        wait_for(lambda: read(diary), 20, "the start")
        mortal.kill(worker)
        diary.with_suffix(".end").touch()
        mortal.start_again()
        assert end.get(timeout=40) == 101
        assert shop.add.delay(20, 22).get(timeout=20) == 42
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")
    assert read(diary) == [f"{end.parent.id}:1"]


def test_a_job_that_its_process_died_with_unread_when_the_connection_is_cut_runs_once(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    with running_worker(PLATFORM, server.url, logs / "unread.log", "-Q", "unread") as worker:
        children = children_of(worker.process.pid)
        for child in children:  # what one of them is sent stays in its pipe, which its successor must not read
            os.kill(child, signal.SIGSTOP)
        shop.notes_a_number.apply_async((diary, 1), queue="unread")
        wait_for(lambda: owed(client) == 1, 20, "the claim")
        asks = platform.control.inspect(timeout=2)
        for _ in range(2):  # it was sent before the second answer
            wait_for(lambda: any((asks.reserved() or {}).values()), 20, "an answer")
        worker.send(signal.SIGSTOP)
        client.client_kill_filter(_type="normal", skipme=True)  # heard of first
        for child in children:
            os.kill(child, signal.SIGKILL)
        worker.send(signal.SIGCONT)
        wait_for(lambda: worker.said(LOST), 20, "the loss")
        wait_for(lambda: read(diary) and client.llen("unread\x06\x163") == owed(client) == 0, 30, "its end")
        assert read(diary) == ["1"]
