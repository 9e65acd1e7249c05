"""What the platform promises on every broker, in one test each. `scripts/matrix` holds the whole suite to it."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from celery import chain, chord

from acceptance import accidents, shop
from acceptance import flow_tasks as tasks
from acceptance.diary import read
from acceptance.flow_steps import a_letter, buried, ended, gone, mend, result, start, states
from acceptance.messages import by_hand
from acceptance.workers import PLATFORM, Worker, running_worker
from tasks_platform import Priority
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = [
    pytest.mark.needs("redis-server", "rabbitmq-server", "epmd"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]
#: What Redis is told for workers that are killed: RabbitMQ notices by itself.
IMPATIENT = {"TASKS_VISIBILITY_TIMEOUT": "2"}
MODULES = {"TASKS_MODULES": "acceptance.shop,acceptance.accidents,acceptance.flow_tasks"}
LEVELS = [Priority.BULK, Priority.NORMAL, Priority.CRITICAL, Priority.LOW, Priority.HIGH] * 2
promise = pytest.mark.every_broker


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start the worker that most of these tests share."""
    brief = {**MODULES, "TASKS_UNKNOWN_TASK_GRACE": "PT2S"}
    with running_worker(PLATFORM, server.url, logs / "shared.log", environment=brief) as worker:
        yield worker


@pytest.fixture(scope="module")
def survivor(server: RedisServer, platform: PlatformApp, logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kill a worker in the middle of a job, and let another one go on where the queues hold more; return their diaries.

    It does not outlive this: on Redis it would take a job of any worker that runs for longer than a moment for lost.
    """
    folder = tmp_path_factory.mktemp("survivor")
    for number, level in enumerate(LEVELS):
        shop.notes_a_number.apply_async((folder / "ordered", number), queue="ordered", priority=level)
    shop.sleeps_the_first_time.apply_async((folder / "killed",), queue="doomed")
    options = {"concurrency": 1, "environment": IMPATIENT}
    with running_worker(PLATFORM, server.url, logs / "killed.log", "-Q", "doomed", **options) as doomed:
        wait_for(lambda: read(folder / "killed"), 30, "the start")
        doomed.send(signal.SIGKILL)
        doomed.wait()
    with running_worker(PLATFORM, server.url, logs / "survivor.log", "-Q", "doomed,ordered", **options):
        wait_for(lambda: len(read(folder / "killed")) == 2, 30, "the second start")
        wait_for(lambda: len(read(folder / "ordered")) == len(LEVELS), 30, "all jobs")
    return folder


@promise("a retry after its delay")
@pytest.mark.checklist(26, 85)
def test_a_job_that_fails_once_is_run_again(worker: Worker, diary: Path) -> None:
    assert accidents.fails_once.delay(diary).get(timeout=20) == 2
    assert read(diary) == ["1", "2"]


@promise("a hold costs no attempt and no process")
def test_a_job_that_is_held_runs_later_as_the_same_attempt(worker: Worker, diary: Path) -> None:
    before = datetime.now(UTC)
    job = shop.is_held_once.delay(diary, 1.2)
    assert job.get(timeout=20) == 1
    assert datetime.now(UTC) - before >= timedelta(seconds=1.2)
    assert read(diary) == ["1", "1"]


@promise("run later, never early")
@pytest.mark.checklist(44, 45)
def test_a_countdown_is_kept_also_where_no_worker_has_been_before(
    platform: PlatformApp, worker: Worker, diary: Path
) -> None:
    begin = datetime.now(UTC)
    queue = f"later-{uuid4().hex[:6]}"
    shop.notes_the_time.apply_async((diary, "later"), countdown=1.5, queue=queue)
    platform.control.add_consumer(queue, reply=True, timeout=5)
    wait_for(lambda: read(diary), 20, "the job")
    moment = datetime.fromisoformat(read(diary)[0].partition("=")[2])
    assert begin + timedelta(seconds=1.5) <= moment


@promise("a dead letter that is corrected and replayed")
@pytest.mark.checklist(33, 36, 37)
def test_a_letter_is_corrected_and_replayed(platform: PlatformApp, worker: Worker, letters: DeadLetterQueue) -> None:
    letter = a_letter(platform)
    assert letter["message"]["options"]["queue"] == "default"
    mend(letters, letter, value=7)
    gone(platform, letter["id"])
    wait_for(lambda: platform.AsyncResult(letter["id"]).state == "SUCCESS", 20, "the result")
    assert platform.AsyncResult(letter["id"]).result == 7


@promise("a parked flow that a replay resumes")
@pytest.mark.checklist(37, 65, 67)
def test_a_flow_waits_for_its_parked_step(platform: PlatformApp, worker: Worker, letters: DeadLetterQueue) -> None:
    canvas = chord([chain(tasks.number.s(1), tasks.plus.s(-1)), tasks.number.s(3)], tasks.listed.s())
    flow = ended(platform, start(platform, canvas), "parked")
    assert states(flow) == ["succeeded", "parked", "succeeded", "pending"]
    mend(letters, *letters.list(), y=1)
    assert result(platform, ended(platform, flow.id, "succeeded")) == [2, 3]


@promise("chains and chords, with their results in Redis")
@pytest.mark.checklist(65, 67)
def test_chains_and_chords_complete(worker: Worker) -> None:
    parts = chord([shop.add.s(number, number) for number in range(5)], shop.total.s()).apply_async()
    steps = chain(shop.add.s(1, 2), shop.add.s(3), shop.add.s(4)).apply_async()
    assert (parts.get(timeout=30), steps.get(timeout=30)) == (20, 10)


@promise("priority: strictly by level, first in first out inside")
@pytest.mark.checklist(14, 38, 42)
def test_jobs_start_strictly_by_level(survivor: Path) -> None:
    ordered = survivor / "ordered"
    ranks = list(Priority)
    assert read(ordered) == [str(n) for n in sorted(range(len(LEVELS)), key=lambda n: (ranks.index(LEVELS[n]), n))]


@promise("a killed worker: its job runs on another")
@pytest.mark.checklist(12, 24, 85)
def test_the_job_of_a_killed_worker_runs_on_another(survivor: Path) -> None:
    assert len(read(survivor / "killed")) == 2


@promise("a killed process costs one attempt")
@pytest.mark.checklist(24, 33)
def test_a_killed_child_is_counted_and_in_the_end_a_letter(platform: PlatformApp, worker: Worker, diary: Path) -> None:
    letter = buried(platform, accidents.is_killed.delay(diary).id)
    assert "signal 9 (SIGKILL)" in letter["cause"]["message"]
    assert (read(diary), len(letter["attempts"])) == (["1", "2"], 2)


@promise("an unknown task waits, and is a letter in the end")
@pytest.mark.checklist(16, 36)
def test_an_unknown_task_is_a_letter_when_its_grace_is_over_and_sent_again_as_it_came(
    platform: PlatformApp, worker: Worker, letters: DeadLetterQueue
) -> None:
    job = platform.send_task("acceptance.nowhere.ship", (1,), priority=5)
    letter = buried(platform, job.id)
    assert worker.said("a task this worker does not know; held")
    letters.replay(job.id)
    again = wait_for(lambda: (now := letters.show(job.id))["state"] == "dead" and now, 20, "the second death")
    assert [attempt["attempt"] for attempt in again["attempts"]] == [1, 2]
    assert again["message"]["body"] == letter["message"]["body"]


@promise("a message that nobody can read is a letter")
@pytest.mark.checklist(16, 84)
def test_rubbish_is_a_letter_and_what_another_language_wrote_runs(
    platform: PlatformApp, worker: Worker, broker: Broker, letters: DeadLetterQueue
) -> None:
    broker.put(by_hand("acceptance.shop.add", "{nonsense"))
    (letter,) = wait_for(letters.list, 20, "the letter")
    assert letter["message"]["body"] == "{nonsense"
    message = by_hand("acceptance.shop.add", [[20, 22], {}, {}])
    broker.put(message)
    job_id = json.loads(message)["properties"]["correlation_id"]
    assert platform.AsyncResult(job_id).get(timeout=20) == 42
    wait_for(lambda: broker.owed() == 0, 10, "the acknowledgements")


@promise("one job per key, and followers inside chords")
@pytest.mark.checklist(57)
def test_one_job_runs_per_key(worker: Worker, diary: Path) -> None:
    first, second = (shop.charges.delay(diary, 1) for _ in range(2))
    assert first.id == second.id
    wait_for(lambda: read(diary), 20, "the start")
    end = chord([shop.charges.s(diary, 1), shop.add.s(1, 1)], shop.total.s()).apply_async()
    wait_for(lambda: worker.told("held", end.parent.results[0].id), 20, "the following")
    diary.with_suffix(".end").touch()
    assert (first.get(timeout=20), end.get(timeout=20)) == (100, 102)
    assert read(diary) == [f"{first.id}:1"]
