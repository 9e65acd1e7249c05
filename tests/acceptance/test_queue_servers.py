"""Queues on a server of their own: jobs of both servers, from one to the other, and what fails on one of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import chain, chord
from kombu.exceptions import OperationalError

from acceptance import accidents, far, shop
from acceptance.beats import running_beat
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, TESTS, running_worker
from command_line import call
from flower_server import running_flower
from redis_server import free_port, running_redis
from tasks_platform import PartlySentError, Settings, create_app, enqueue_many
from tasks_platform.errors import JobError
from tasks_platform.jobs import Jobs, ManyJobs, Queues, Which
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.workers import Worker
    from flower_server import FlowerServer
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

MODULES = "acceptance.shop,acceptance.accidents,acceptance.far"
PATIENCE = 30


@pytest.fixture(scope="module")
def far_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start the server of the queue `far`."""
    with running_redis(tmp_path_factory.mktemp("far")) as server:
        yield server


@pytest.fixture(scope="module")
def far_client(far_server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(far_server.url, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="module")
def variables(far_server: RedisServer) -> dict[str, str]:
    """Return what every process of the installation finds in its environment."""
    addresses = f"far={far_server.url},doomed={far_server.url}"
    return {"TASKS_QUEUE_SERVERS": addresses, "TASKS_MODULES": MODULES, "TASKS_BUSINESS": "false", "TASKS_LEASE": "1"}


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer, variables: dict[str, str]) -> Settings:
    addresses = variables["TASKS_QUEUE_SERVERS"]
    return Settings(redis_url=server.url, queue_servers=addresses, modules=MODULES, business=False)


@pytest.fixture(scope="module")
def near_worker(server: RedisServer, variables: dict[str, str], logs: Path) -> Iterator[Worker]:
    with running_worker(PLATFORM, server.url, logs / "near.log", environment=variables) as worker:
        yield worker


@pytest.fixture(scope="module")
def far_worker(server: RedisServer, variables: dict[str, str], logs: Path) -> Iterator[Worker]:
    with running_worker(PLATFORM, server.url, logs / "far.log", "-Q", "far", environment=variables) as worker:
        yield worker


@pytest.mark.usefixtures("platform", "near_worker", "far_worker")
class TestJobs:
    def test_each_waits_on_the_server_of_its_queue_and_flows_lead_from_one_to_the_other(
        self, platform: PlatformApp, client: redis.Redis, far_client: redis.Redis
    ) -> None:
        steps = chain(shop.add.s(1, 2), far.doubles.s(), shop.add.s(4), far.doubles.s()).apply_async()
        joined = chord([far.doubles.s(1), shop.add.s(1, 1), far.doubles.s(3)], shop.total.s()).apply_async()
        many = enqueue_many([far.doubles.s(n) if n % 2 else shop.add.s(n, n) for n in range(40)])
        assert steps.get(timeout=PATIENCE) == 20
        assert joined.get(timeout=PATIENCE) == 10
        assert [handle.get(timeout=PATIENCE) for handle in many] == [2 * number for number in range(40)]
        assert platform.send_task("acceptance.far.doubles", (5,)).get(timeout=PATIENCE) == 10
        assert int(far_client.hget("leased:pushed", "far\x06\x163") or 0) >= 24
        assert not client.hexists("leased:pushed", "far\x06\x163")
        wait_for(lambda: owed(client) + owed(far_client) == 0, PATIENCE, "the acknowledgements")

    def test_retries_and_holds_stay_there(self, far_client: redis.Redis, client: redis.Redis, diary: Path) -> None:
        retried = accidents.fails_once.apply_async((diary,), queue="far", ignore_result=False)
        assert retried.get(timeout=PATIENCE) == 2
        held = shop.is_held_once.apply_async((diary.with_suffix(".held"), 0.2), queue="far", ignore_result=False)
        assert held.get(timeout=PATIENCE) == 1
        assert not client.exists("leased:index:far")
        wait_for(lambda: owed(far_client) == 0, PATIENCE, "the acknowledgements")

    def test_a_job_with_an_id_or_a_key_is_one_though_its_records_lie_on_another_server(
        self, platform: PlatformApp, diary: Path
    ) -> None:
        assert not platform.takes_with_push(far.doubles.name, {"queue": "far"})
        assert platform.takes_with_push(shop.add.name, {"queue": "default"})
        twice = [far.doubles.apply_async((7,), task_id="seven", ignore_result=False) for _ in range(2)]
        assert [job.get(timeout=PATIENCE) for job in twice] == [14, 14]
        Queues(platform).pause("far", why="two at once")
        first, second = (far.is_unique.delay(diary) for _ in range(2))
        Queues(platform).resume("far")
        assert first.id == second.id
        wait_for(lambda: read(diary) == [first.id], PATIENCE, "the job")

    def test_letters_are_replayed_there_and_garbage_becomes_one(
        self, far_client: redis.Redis, letters: DeadLetterQueue, diary: Path
    ) -> None:
        job = far.fails_until_mended.delay(diary)
        (letter,) = wait_for(letters.list, PATIENCE, "the letter")
        assert (letter["id"], letter["queue"]) == (job.id, "far")
        diary.with_suffix(".mended").touch()
        letters.replay(job.id)
        wait_for(lambda: not letters.list(), PATIENCE, "the end of the letter")
        assert read(diary) == ["1", "2"]
        far_client.lpush("far", "garbage")
        (garbage,) = wait_for(letters.list, PATIENCE, "the letter of the garbage")
        assert garbage["cause"]["type"] == "DecodeError"
        assert garbage["queue"] == "far"

    def test_a_schedule_sends_there(
        self, server: RedisServer, far_client: redis.Redis, variables: dict[str, str], logs: Path, far_worker: Worker
    ) -> None:
        with running_beat(server.url, logs / "beat.log", variables):
            wait_for(lambda: far_worker.said("schedule:ticks:"), PATIENCE, "a tick")

    def test_workers_of_both_answer_and_none_takes_what_lies_elsewhere(self, platform: PlatformApp) -> None:
        inspect: Any = platform.control.inspect(timeout=2.0)
        workers = {name.partition("@")[0]: (name, queues) for name, queues in inspect.active_queues().items()}
        served = {name: {queue["name"] for queue in queues} for name, (_, queues) in workers.items()}
        assert served == {"far": {"far"}, "near": {"default", "orders"}}
        near = workers["near"][0]
        (refused,) = platform.control.broadcast("add_consumer", {"queue": "far"}, destination=[near], reply=True)
        assert "far lies on redis://127.0.0.1" in refused[near]["error"]

    def test_flower_sees_the_workers_jobs_and_queues_of_both(
        self, server: RedisServer, variables: dict[str, str], logs: Path, tmp_path: Path
    ) -> None:
        with running_flower(tmp_path, server.url, logs / "flower.log", **variables) as flower:
            wait_for(lambda: {"near", "far"} <= _names(flower), PATIENCE, "both workers")

            def seen() -> set[object]:
                far.doubles.delay(2), shop.add.delay(1, 2)  # workers tell of jobs once they are asked to
                return {job["name"] for job in flower.jobs().values()}

            wait_for(lambda: seen() >= {far.doubles.name, shop.add.name}, PATIENCE, "jobs of both")
            page = wait_for(lambda: flower.open("/broker").raise_for_status().text, PATIENCE, "the page")
            assert all(f">{queue}<" in page for queue in ("default", "far"))


def _names(flower: FlowerServer) -> set[str]:
    return {name.partition("@")[0] for name in flower.open("/api/workers?refresh=1").json()}


def test_a_killed_worker_of_another_server_is_made_good_by_the_next_one(  # noqa: PLR0913, PLR0917
    platform: PlatformApp,
    server: RedisServer,
    far_client: redis.Redis,
    variables: dict[str, str],
    logs: Path,
    diary: Path,
) -> None:
    job = shop.sleeps_the_first_time.apply_async((diary,), queue="doomed", ignore_result=False)
    options: dict[str, Any] = {"environment": variables, "concurrency": 1}
    with running_worker(PLATFORM, server.url, logs / "victim.log", "-Q", "doomed", **options) as victim:
        wait_for(lambda: read(diary) == ["started"], PATIENCE, "the job")
        victim.send(signal.SIGKILL)
        victim.wait()
    with running_worker(PLATFORM, server.url, logs / "heir.log", "-Q", "doomed", **options):
        assert job.get(timeout=PATIENCE) is None
        wait_for(lambda: owed(far_client) == 0, PATIENCE, "the acknowledgement")
    assert read(diary) == ["started", "started"]


@pytest.mark.usefixtures("far_worker")
def test_jobs_are_reached_by_id_on_every_server_and_moved_on_their_own_only(platform: PlatformApp) -> None:
    jobs = Jobs(platform, by="ana")
    near = shop.add.apply_async((1, 1), queue="quiet")
    away = [shop.add.apply_async((n, n), queue="doomed") for n in range(3)]
    assert [jobs.show(job.id).queue for job in (near, *away)] == ["quiet", *["doomed"] * 3]
    with pytest.raises(JobError, match=f"{away[0].id} lies in doomed, and quiet on another server"):
        jobs.move(away[0].id, "quiet")
    with pytest.raises(JobError, match="doomed and quiet lie on different servers"):
        ManyJobs(platform, Which(), queue="doomed").move("quiet")
    assert jobs.set_priority(away[1].id, "critical").queue == "doomed"
    assert jobs.move(away[0].id, "far").queue == "doomed"
    assert away[0].get(timeout=PATIENCE) == 0
    assert [jobs.cancel(job.id).outcome for job in (near, away[1])] == ["cancelled"] * 2
    assert [job.id for job in ManyJobs(platform, Which(text="2"), queue="doomed", by="ana").cancel().examples] == [
        away[2].id
    ]
    assert [sum(state.waiting.values()) for state in Queues(platform).states(["quiet", "doomed", "far"])] == [0, 0, 0]


@contextmanager
def another_app(platform: PlatformApp, server: RedisServer, addresses: str) -> Iterator[PlatformApp]:
    """Make an application beside *platform*, whose connections to the broker it shares, with other servers."""
    app = create_app(Settings(redis_url=server.url, queue_servers=addresses, modules=MODULES, business=False))
    app.loader.import_default_modules()
    try:
        yield app
    finally:
        app.backend.result_consumer.stop()
        app.backend.client.connection_pool.disconnect()
        app.store.client.close()
        app.close()
        platform.set_current()
        platform.set_default()


@pytest.mark.usefixtures("near_worker")
def test_while_one_server_is_down_the_jobs_of_the_other_go_on(
    platform: PlatformApp, server: RedisServer, tmp_path: Path
) -> None:
    port, sent = free_port(), range(6)
    with another_app(platform, server, f"far=redis://:s3same@127.0.0.1:{port}/0") as app:
        app.conf.task_publish_retry_policy = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
        with pytest.raises(OperationalError, match=f"^redis://127.0.0.1:{port}/0 takes no messages: ") as down:
            app.tasks[far.doubles.name].delay(1)
        assert "s3same" not in str(down.value)
        calls = [app.tasks[shop.add.name].s(n, n) if n % 2 else app.tasks[far.doubles.name].s(n) for n in sent]
        with pytest.raises(PartlySentError, match=f"127.0.0.1:{port}") as partly:
            enqueue_many(calls)
        assert (sorted(partly.value.sent), sorted(partly.value.unsent)) == ([1, 3, 5], [0, 2, 4])
        results = [app.AsyncResult(partly.value.sent[n]) for n in (1, 3, 5)]
        assert [result.get(timeout=PATIENCE) for result in results] == [2, 6, 10]
        (answer,) = app.control.ping(timeout=2.0)
        assert [name.partition("@")[0] for name in answer] == ["near"]
        with pytest.raises(OperationalError, match=f"the workers of redis://127.0.0.1:{port}/0 were not told: "):
            app.control.broadcast("revoke", {"task_id": "nobody's"})
        with pytest.raises(OperationalError, match=f"redis://127.0.0.1:{port}/0 does not answer: "):
            Queues(app).states(["far"])
        with running_redis(tmp_path, port=port), redis.Redis(port=port) as client:
            client.config_set("requirepass", "s3same")
            assert [handle.id for handle in enqueue_many(partly.value.rest)] == list(partly.value.unsent.values())
            assert client.llen("far\x06\x163") == 3


class TestFaces:
    def test_a_worker_of_queues_that_lie_apart_is_refused_and_told_which_to_start(
        self, server: RedisServer, far_server: RedisServer, variables: dict[str, str]
    ) -> None:
        command = [sys.executable, "-m", "celery", "-A", PLATFORM, "worker", "-Q", "far,orders,doomed,default"]
        path = {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]), "TASKS_REDIS_URL": server.url}
        said = subprocess.run(
            command, env={**os.environ, **variables, **path}, capture_output=True, text=True, timeout=60, check=False
        )
        assert said.returncode == 1
        assert "Traceback" not in said.stderr
        assert f"worker -Q far,doomed    # redis://127.0.0.1:{far_server.port}/0" in said.stderr
        assert "worker -Q orders,default    # the broker" in said.stderr

    def test_queues_are_seen_paused_and_counted_on_all_servers(
        self, server: RedisServer, far_server: RedisServer, platform: PlatformApp, variables: dict[str, str]
    ) -> None:
        here = {**variables, "TASKS_REDIS_URL": server.url}
        shop.add.apply_async((1, 2), queue="doomed")
        assert "is paused by" in call("queues", "pause", "doomed", "--why", "lunch", **here).stdout
        listed = {row["queue"]: row for row in json.loads(call("queues", "list", "--json", **here).stdout)}
        assert (listed["doomed"]["waiting"]["normal"], listed["doomed"]["pause"]["why"]) == (1, "lunch")
        assert listed["doomed"]["server"] == f"redis://127.0.0.1:{far_server.port}/0"
        assert (listed["default"]["server"], listed["default"]["pause"]) == (None, None)
        assert "goes on" in call("queues", "resume", "doomed", **here).stdout
        name = f"redis://127.0.0.1:{far_server.port}/0"
        shown = json.loads(call("broker", "show", "--json", **here).stdout)
        assert shown["servers"][name]["queues"]["doomed"] == {"ready": 1, "delayed": 0}
        assert "doomed" not in shown["queues"]
        assert f"{name}:" in call("broker", "show", **here).stdout
        assert platform.control.purge() == 1

    def test_what_is_ill_is_told_by_server_and_what_lies_on_the_wrong_one(  # noqa: PLR0913, PLR0917
        self,
        server: RedisServer,
        far_server: RedisServer,
        client: redis.Redis,
        far_client: redis.Redis,
        platform: PlatformApp,
        variables: dict[str, str],
    ) -> None:
        def found(*checks: str) -> dict[str, Any]:
            return {report.name: report.finding for report in platform.health.run(checks)}

        ill = found("server of far, doomed")["server of far, doomed"]
        assert not ill.healthy
        assert ill.message.startswith(f"redis://127.0.0.1:{far_server.port}/0: keeps nothing between two snapshots")
        for each in (client, far_client):
            each.config_set("appendonly", "yes")
        checks = ("redis", "server of far, doomed", "astray", "waiting")
        assert {name: finding.healthy for name, finding in found(*checks).items()} == dict.fromkeys(checks, True)
        client.lpush("far", "left behind")
        astray = found(*checks)["astray"]
        assert (astray.healthy, astray.figures["far on the broker"]) == (False, 1)
        assert astray.message.startswith("1 jobs of far lie on the broker, where no worker looks")
        client.delete("far")
        here = {**variables, "TASKS_REDIS_URL": server.url}
        (told,) = [row for row in json.loads(call("check", "--json", **here).stdout) if row["what"] == "queue servers"]
        assert told["ok"]
        assert "served by workers with -Q far,doomed" in told["words"]
