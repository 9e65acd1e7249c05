"""Jobs by their ids: shown, cancelled wherever they are, and put elsewhere, under the hands of real workers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from celery import Celery
from celery.bin.celery import celery
from click.testing import CliRunner
from kombu import Queue

from acceptance import on_the_loop, shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from command_line import call, refusal
from tasks_platform import Settings, create_app
from tasks_platform.broker.leased.control import Finder
from tasks_platform.errors import JobError, PlatformError
from tasks_platform.jobs import Jobs, ManyJobs, Queues, Which
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.letters.adopting import adopt
from tasks_platform.task.cancel_mark import CancelMark
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis
    from click.testing import Result

    from acceptance.workers import Worker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # Celery's own call


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer) -> Settings:
    return Settings(redis_url=server.url, modules=on_the_loop.MODULES, business=False)


@pytest.fixture(scope="module", params=["prefork", "threads"])
def worker(
    request: pytest.FixtureRequest, server: RedisServer, client: redis.Redis, platform: PlatformApp, logs: Path
) -> Iterator[Worker]:
    """Start a worker of each pool."""
    here = {"TASKS_MODULES": on_the_loop.MODULES}
    log = logs / f"{request.param}.log"
    with running_worker(PLATFORM, server.url, log, environment=here, pool=request.param) as worker:
        yield worker
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")  # it is killed, and has a lease of 15 s


@pytest.fixture
def jobs(platform: PlatformApp) -> Jobs:
    return Jobs(platform, by="ana")


def test_one_that_waits_is_gone_at_once_and_what_it_held_is_free(
    platform: PlatformApp, client: redis.Redis, jobs: Jobs, diary: Path
) -> None:
    job = shop.charges.apply_async((diary, 1), queue="aside")
    shown = jobs.show(job.id)
    assert (shown.state, shown.queue, shown.priority, shown.before) == ("waiting", "aside", "normal", 0)
    assert jobs.peek(job.id).arguments == {"diary": str(diary), "order": 1}
    done = jobs.cancel(job.id, why="a double")
    assert (done.outcome, done.was) == ("cancelled", shown)
    assert (job.state, str(job.result)) == ("REVOKED", "cancelled by ana: a double")
    with pytest.raises(JobError, match="has ended"):
        jobs.show(job.id)
    other = shop.charges.apply_async((diary, 1), queue="aside")
    assert other.id != job.id
    later = shop.charges.apply_async((diary, 2), countdown=60, queue="aside")
    assert jobs.show(later.id).state == "delayed"
    for one in (other, later):
        assert jobs.cancel(one.id).outcome == "cancelled"
    assert (client.llen("aside\x06\x163"), client.zcard("leased:delayed:aside")) == (2, 0)  # where they stood
    assert client.exists("leased:graveyard", "leased:cancelled") == 0


def test_one_that_is_held_says_why_is_counted_apart_and_can_be_run_now(
    server: RedisServer, worker: Worker, jobs: Jobs, diary: Path
) -> None:
    one, two = (shop.is_held_once.delay(diary.with_suffix(f".{n}"), 60.0) for n in range(2))
    for job in (one, two):
        wait_for(lambda job=job: worker.told("held", job.id), 20, "the hold")
        shown = jobs.show(job.id)
        assert (shown.state, shown.held) == ("held", "not yet")
        assert shown.due is not None
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false", "TASKS_MODULES": "acceptance.shop"}
    (state,) = json.loads(call("queues", "list", "default", "--json", **here).stdout)
    assert (state["held"], state["delayed"]) == (2, 0)
    assert jobs.run_now(one.id).state == "held"
    assert one.get(timeout=20) == 1
    assert jobs.cancel(two.id).outcome == "cancelled"
    (state,) = json.loads(call("queues", "list", "default", "--json", **here).stdout)
    assert (state["held"], state["delayed"]) == (0, 0)
    # its result is there before it is acknowledged
    wait_for(lambda: json.loads(call("queues", "list", "default", "--json", **here).stdout)[0]["rate"], 20, "a rate")


def test_one_that_runs_is_ended_and_not_tried_again(worker: Worker, jobs: Jobs, diary: Path) -> None:
    job = shop.charges.delay(diary, 3)
    wait_for(lambda: read(diary), 20, "the start")
    assert jobs.show(job.id).state == "running"
    assert jobs.cancel(job.id, why="it hangs", grace=0.3).outcome == "ending"
    wait_for(lambda: job.state == "REVOKED", 20, "the end")
    assert str(job.result) == "cancelled by ana: it hangs"
    wait_for(lambda: worker.told("cancelled", job.id), 20, "the event")
    other = shop.charges.delay(diary, 3)
    assert other.id != job.id
    diary.with_suffix(".end").touch()
    assert other.get(timeout=20) == 300
    assert read(diary) == [f"{job.id}:1", f"{other.id}:1"]


def test_one_that_waits_on_the_event_loop_is_ended_there(worker: Worker, jobs: Jobs, diary: Path) -> None:
    job = on_the_loop.waits.delay(diary)
    wait_for(lambda: read(diary), 20, "the start")
    assert jobs.cancel(job.id, why="it hangs", grace=0.3).outcome == "ending"
    wait_for(lambda: job.state == "REVOKED", 20, "the end")
    assert str(job.result) == "cancelled by ana: it hangs"
    in_a_process = worker.log.stem == "prefork"  # which is ended as a whole
    assert read(diary) == (["started"] if in_a_process else ["started", "cancelled"])


def test_one_that_runs_sees_that_it_is_cancelled_and_ends_by_itself(worker: Worker, jobs: Jobs, diary: Path) -> None:
    job = shop.goes_on_until_it_is_cancelled.delay(diary)
    wait_for(lambda: read(diary), 20, "the start")
    assert jobs.cancel(job.id, grace=50).outcome == "ending"
    wait_for(lambda: worker.told("cancelled", job.id), 20, "the end")
    assert read(diary) == ["1", "saw-it"]
    with pytest.raises(JobError):
        wait_for(lambda: jobs.show(job.id) is None, 20, "the acknowledgement")


def test_one_that_fails_after_it_was_cancelled_is_not_tried_again(
    platform: PlatformApp, client: redis.Redis, worker: Worker, jobs: Jobs, diary: Path
) -> None:
    job = shop.fails_when_it_is_cancelled.delay(diary)
    wait_for(lambda: read(diary), 20, "the start")
    assert jobs.cancel(job.id, grace=50).outcome == "ending"
    diary.with_suffix(".end").touch()
    wait_for(lambda: worker.told("cancelled", job.id), 20, "the end")
    wait_for(lambda: not client.exists("leased:cancelled"), 20, "the mark to go")
    assert read(diary) == ["1"]
    assert platform.store.letter(job.id) is None


def test_one_that_a_worker_has_and_has_not_begun_with_is_dropped_there(
    platform: PlatformApp, worker: Worker, jobs: Jobs, diary: Path
) -> None:
    name = shop.notes_a_number_late.name
    platform.control.rate_limit(name, "30/m", reply=True, timeout=5, limit=1)
    try:
        _, second, third = (shop.notes_a_number_late.delay(diary, number) for number in range(3))
        wait_for(lambda: read(diary), 20, "the first")
        for job in (third, second):
            wait_for(lambda job=job: jobs.show(job.id).worker, 20, "the claim")
        assert jobs.cancel(third.id, why="nobody wants it").outcome == "cancelled"
        wait_for(lambda: worker.told("cancelled", third.id), 20, "its turn")
        assert read(diary) == ["0", "1"]
    finally:
        platform.control.rate_limit(name, "0", reply=True, timeout=5, limit=1)


def test_what_one_held_is_given_back_by_a_worker_if_who_has_cancelled_it_was_killed(
    platform: PlatformApp, client: redis.Redis, diary: Path
) -> None:
    job = shop.charges.apply_async((diary, 8), queue="aside")
    mark = CancelMark(by="ana", why="a double", at=0.0).write()
    with platform.connection_for_write() as connection:
        assert Finder(connection.default_channel, ["aside"]).cancel(job.id, mark) is not None
        assert shop.charges.apply_async((diary, 8), queue="aside").id == job.id
        assert adopt(DeadLetterQueue(platform), connection) == 1
    assert (job.state, str(job.result)) == ("REVOKED", "cancelled by ana: a double")
    assert client.exists("leased:graveyard") == 0
    assert platform.store.count_letters() == 0
    other = shop.charges.apply_async((diary, 8), queue="aside")
    assert other.id != job.id
    Jobs(platform).cancel(other.id)


def test_one_whose_worker_is_dead_does_not_run_again(server: RedisServer, jobs: Jobs, diary: Path, logs: Path) -> None:
    lease = {"TASKS_LEASE": "2"}
    with running_worker(PLATFORM, server.url, logs / "dies.log", "-Q", "mortal", environment=lease):
        job = shop.charges.apply_async((diary, 4), queue="mortal")
        wait_for(lambda: read(diary), 20, "the start")
    assert jobs.cancel(job.id).outcome == "unheard"
    with running_worker(PLATFORM, server.url, logs / "heir.log", "-Q", "mortal", environment=lease) as heir:
        wait_for(lambda: heir.told("cancelled", job.id), 20, "the end")
        wait_for(lambda: job.state == "REVOKED", 20, "the state")
        assert not heir.told("started", job.id)


def test_the_commands_do_it_for_a_person(platform: PlatformApp, server: RedisServer, jobs: Jobs, diary: Path) -> None:
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false", "TASKS_MODULES": "acceptance.shop"}
    job = shop.charges.apply_async((diary, 7), countdown=600, queue="aside")
    assert "delayed" in call("jobs", "show", job.id, **here).stdout
    peeked = json.loads(call("jobs", "peek", job.id, "--json", **here).stdout)
    assert (peeked["state"], peeked["arguments"]["order"]) == ("delayed", 7)
    assert "7" in call("jobs", "peek", job.id, **here).stdout
    assert "critical" in call("jobs", "priority", job.id, "critical", **here).stdout
    assert "can be begun now" in call("jobs", "run-now", job.id, **here).stdout
    shop.notes_a_number.apply_async((diary, 1), queue="other")
    moved = json.loads(call("jobs", "move", job.id, "other", "--json", **here).stdout)
    assert (moved["was"]["state"], moved["was"]["priority"]) == ("waiting", "critical")
    found = json.loads(call("jobs", "show", job.id, "--json", **here).stdout)
    assert (found["queue"], found["priority"], found["state"], found["due"]) == ("other", "critical", "waiting", None)
    assert "there is no queue 'othre'" in refusal(call("jobs", "move", job.id, "othre", **here))
    assert "Aborted" in call("jobs", "cancel", job.id, given="n\n", **here).output
    assert "it will not run" in call("jobs", "cancel", job.id, "--why", "a test", given="y\n", **here).stdout
    assert "has ended" in refusal(call("jobs", "show", job.id, **here))


def test_a_broker_that_cannot_do_it_says_what_to_do(
    platform: PlatformApp, platform_settings: Settings, server: RedisServer
) -> None:
    with create_app(platform_settings.model_copy(update={"broker_url": None})) as app:
        app.conf.broker_url = server.url
        with pytest.raises(PlatformError, match="leave it out"):
            Jobs(app).show("any")
    platform.set_current()
    platform.set_default()


def test_all_of_a_kind_are_shown_moved_and_cancelled_and_the_others_stay(
    platform: PlatformApp, plain_producer: Celery, client: redis.Redis, server: RedisServer, diary: Path
) -> None:
    for number in range(1200):
        shop.notes_a_number.apply_async((diary, number), queue="many", tenant="acme" if number % 3 else None)
    for number in range(10):
        shop.notes_a_number_soon.apply_async((f"{diary}-{number}", number), queue="many", countdown=600)
    kept = [shop.charges.apply_async((diary, number), queue="many").id for number in range(20)]
    acme = ManyJobs(platform, Which(tenant="acme"), queue="many", by="ana")
    assert (acme.look().count, acme.look().tasks) == (800, {shop.notes_a_number.name: 800})
    shop.add.apply_async((1, 1), queue="elsewhere")
    assert acme.move("elsewhere").count == 800
    first = [json.loads(raw)["headers"]["argsrepr"] for raw in client.lrange("elsewhere\x06\x163", -4, -2)]
    assert [number in args for number, args in zip((" 4)", " 2)", " 1)"), first, strict=True)] == [True] * 3
    assert acme.look().count == 0
    # no index knows what others have sent
    plain_producer.send_task(shop.notes_a_number.name, (str(diary), -1), queue=Queue("old", no_declare=True))
    assert ManyJobs(platform, Which(), queue="old").move("elsewhere").count == 1
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false", "TASKS_MODULES": "acceptance.shop"}
    words = ("jobs", "cancel-all", "--queue", "many", "--task", "notes_a_number_soon", "--text", "DIARY-3")
    assert json.loads(call(*words, "--dry-run", "--json", **here).stdout)["jobs"] == 1
    assert "1 jobs are meant" in call(*words, given="n\n", **here).output
    assert "1 jobs were cancelled" in call(*words, "--yes", **here).stdout
    assert ManyJobs(platform, Which(task="notes_a_number_soon"), queue="many").look().count == 9
    assert "Say which" in call("jobs", "cancel-all", **here).output
    # what they held is given back: the same call is another job
    charges = ManyJobs(platform, Which(task=shop.charges.name), queue="many", by="ana")
    assert charges.cancel(why="a test").count == 20
    again = shop.charges.apply_async((diary, 0), queue="many").id
    assert again not in kept
    assert Jobs(platform).show(again).state == "waiting"
    assert "410 jobs were cancelled" in call("queues", "purge", "many", "--yes", **here).stdout
    assert client.exists("leased:index:many", "leased:graveyard", "leased:delayed:many") == 0
    (state,) = Queues(platform).states(["many"])
    assert (sum(state.waiting.values()), state.delayed) == (0, 0)
    assert "802 jobs" in call("queues", "purge", "elsewhere", "--yes", **here).stdout
    assert client.exists("elsewhere\x06\x163", "elsewhere") == 0


def test_celerys_own_command_does_it_too(platform: PlatformApp, diary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "app", platform, raising=False)  # where `-A` looks for it
    job = shop.notes_a_number.apply_async((diary, 1), queue="aside", countdown=600)

    def called(*words: str) -> Result:
        return CliRunner().invoke(celery, ["-A", "acceptance.shop", *words])

    assert json.loads(called("queues", "list", "aside", "--json").stdout)[0]["delayed"] >= 1
    assert json.loads(called("jobs", "cancel", job.id, "--yes", "--json").stdout)["outcome"] == "cancelled"
    assert "has ended" in refusal(called("jobs", "show", job.id))
    monkeypatch.setattr(shop, "app", Celery("plain"))
    assert "is plain Celery" in refusal(called("queues", "list"))
