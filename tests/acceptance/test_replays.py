"""Send dead letters again; also twice, and killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord

from acceptance import flow_tasks as tasks
from acceptance.diary import read
from acceptance.flow_steps import (
    PATIENCE,
    a_letter,
    buried,
    dead_again,
    ended,
    failure,
    gone,
    mend,
    result,
    start,
    states,
)
from acceptance.workers import PLATFORM, TESTS, running_worker
from tasks_platform import flows
from tasks_platform.errors import LetterError
from tasks_platform.letters import is_awaited, is_parked
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = [
    pytest.mark.usefixtures("flow_worker"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]


ELSEWHERE = {"TASKS_BUSINESS": "false", "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}
MODULES = {"TASKS_MODULES": "acceptance.flow_tasks"}

#: A process that is killed when it has marked a letter and has not, or just, sent the job.
REPLAYS = """
import os, signal, sys
from tasks_platform.celery import app
from tasks_platform.letters import DeadLetterQueue, sending

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def resend_and_die(*arguments, **options):
    {before}
    resend(*arguments, **options)
    {after}

resend, sending.resend = sending.resend, resend_and_die
DeadLetterQueue(app).replay(sys.argv[1])
"""


class TestSendingAgain:
    @pytest.mark.checklist(37)
    def test_a_job_runs_with_what_was_corrected_and_its_letter_is_gone(
        self, platform: PlatformApp, letters: DeadLetterQueue
    ) -> None:
        letter = a_letter(platform)
        mend(letters, letter, value=7)
        gone(platform, letter["id"])
        wait_for(lambda: platform.AsyncResult(letter["id"]).state == "SUCCESS", PATIENCE, "the result")
        assert platform.AsyncResult(letter["id"]).result == 7

    @pytest.mark.checklist(37)
    def test_a_job_that_fails_again_is_the_same_letter_with_one_more_attempt(
        self, platform: PlatformApp, letters: DeadLetterQueue
    ) -> None:
        letter = a_letter(platform)
        letters.replay(letter["id"])
        again = dead_again(letters, letter["id"])
        assert [attempt["attempt"] for attempt in again["attempts"]] == [1, 2]
        assert again["version"] == letter["version"] + 1
        assert len(letters) == 1

    @pytest.mark.checklist(37)
    def test_sent_twice_before_a_worker_looks_it_runs_once(  # noqa: PLR0913, PLR0917
        self,
        platform: PlatformApp,
        server: RedisServer,
        broker: Broker,
        letters: DeadLetterQueue,
        logs: Path,
        diary: Path,
    ) -> None:
        queue = f"twice-{uuid.uuid4()}"
        job = tasks.number.apply_async((-1, diary), queue=queue)
        options = ("-Q", queue)
        with running_worker(PLATFORM, server.url, logs / "first.log", *options, environment=MODULES):
            buried(platform, job.id)
            wait_for(lambda: broker.owed() == 0, 10, "the acknowledgement")  # its end is a kill
        letters.edit(job.id, {"value": 1})
        letters.replay(job.id)
        letters.replay(job.id)
        with running_worker(
            PLATFORM, server.url, logs / "second.log", *options, concurrency=1, environment=MODULES
        ) as worker:
            wait_for(lambda: worker.told("held", job.id), PATIENCE, "the second copy")
        assert read(diary) == ["-1", "1"]
        assert job.get(timeout=PATIENCE) == 1

    @pytest.mark.checklist(37, 57)
    def test_a_unique_job_is_refused_while_another_one_holds_its_key(
        self, platform: PlatformApp, letters: DeadLetterQueue, diary: Path
    ) -> None:
        letter = buried(platform, tasks.takes_a_key.delay("key", -1, diary).id)

        def sent() -> Any:
            job = tasks.takes_a_key.delay("key", 1, diary)
            return job if job.id != letter["id"] else None

        holder = wait_for(sent, PATIENCE, "its key to be free, which follows the letter")
        wait_for(lambda: read(diary) == [letter["id"], holder.id], PATIENCE, "the holder")
        letters.edit(letter["id"], {"value": 2})
        with pytest.raises(LetterError, match=f"job {holder.id} holds its unique key"):
            letters.replay(letter["id"])
        assert letters.show(letter["id"])["state"] == "dead"
        diary.with_suffix(".end").touch()
        assert holder.get(timeout=PATIENCE) == 1
        wait_for(lambda: _replayed(letters, letter["id"]), PATIENCE, "the key")
        gone(platform, letter["id"])
        assert read(diary) == [letter["id"], holder.id, letter["id"]]

    @pytest.mark.checklist(37, 85)
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_a_replay_that_is_killed_before_or_after_it_sends_is_repeated_without_harm(
        self, platform: PlatformApp, server: RedisServer, letters: DeadLetterQueue, diary: Path, moment: str
    ) -> None:
        flow = ended(platform, start(platform, chain(tasks.number.s(-1, diary), tasks.plus.s(1))), "parked")
        (letter,) = letters.list()
        letters.edit(letter["id"], {"value": 1})
        before, after = ("die()", "pass") if moment == "before" else ("pass", "die()")
        killed = subprocess.run(
            [sys.executable, "-c", REPLAYS.format(before=before, after=after), letter["id"]],
            env={**os.environ, **MODULES, **ELSEWHERE, "TASKS_REDIS_URL": server.url},
            timeout=PATIENCE,
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        if moment == "before":
            assert letters.show(letter["id"])["state"] == "replaying"
            assert states(flows.find(platform, flow.id)) == ["waiting", "pending"]
        _replayed(letters, letter["id"])
        assert result(platform, ended(platform, flow.id, "succeeded")) == 2
        assert read(diary) == ["-1", "1"]

    @pytest.mark.checklist(37)
    def test_of_two_people_who_replay_one_letter_the_one_who_read_it_before_it_died_again_is_told(
        self, platform: PlatformApp, letters: DeadLetterQueue, diary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        letter = a_letter(platform, diary=diary)
        letters.replay(letter["id"])
        wait_for(lambda: letters.show(letter["id"])["version"] > letter["version"], PATIENCE, "its death")
        with monkeypatch.context() as before:
            before.setattr(letters, "show", lambda _: letter)
            with pytest.raises(LetterError, match="was replayed, edited or discarded by somebody else meanwhile"):
                letters.replay(letter["id"])
        assert letters.show(letter["id"])["state"] == "dead"
        assert read(diary) == ["-1", "-1"]

    def test_a_replay_that_died_and_is_refused_when_it_is_repeated_leaves_a_letter_that_can_be_corrected(
        self, platform: PlatformApp, letters: DeadLetterQueue, diary: Path
    ) -> None:
        diary.with_suffix(".end").touch()
        letter = buried(platform, tasks.takes_a_key.delay("key", -1, diary).id)
        message = {**letter["message"], "args": [], "kwargs": {"of": "an earlier version"}}
        letters.store.edit_letter(letter["id"], message, 1)
        letters.store.mark_replaying(letter["id"], 5.0, version=2)  # killed before it sent
        with pytest.raises(LetterError, match="is being replayed"):
            letters.edit(letter["id"], {"value": 1})
        with pytest.raises(LetterError, match="is being replayed"):
            letters.discard(letter["id"])
        with pytest.raises(LetterError, match="cannot be sent"):
            letters.replay(letter["id"])
        assert letters.show(letter["id"])["state"] == "dead"
        mend(letters, letter, key="key", value=1, diary=str(diary))
        gone(platform, letter["id"])
        assert read(diary) == [letter["id"]] * 2

    def test_what_is_being_replayed_where_nobody_runs_it_is_given_up_by_force_and_never_run(  # noqa: PLR0913, PLR0917
        self,
        platform: PlatformApp,
        server: RedisServer,
        broker: Broker,
        letters: DeadLetterQueue,
        logs: Path,
        diary: Path,
    ) -> None:
        queue, owed = f"forced-{uuid.uuid4()}", broker.owed()  # by workers of other tests, whose end was a kill
        job = tasks.number.apply_async((-1, diary), queue=queue)
        options = ("-Q", queue)
        with running_worker(PLATFORM, server.url, logs / "forced.log", *options, environment=MODULES):
            buried(platform, job.id)
            wait_for(lambda: broker.owed() <= owed, 10, "the acknowledgement")  # its end is a kill
        letters.replay(job.id)
        letters.discard(job.id, force=True)
        assert letters.list() == []
        with running_worker(PLATFORM, server.url, logs / "later.log", *options, environment=MODULES) as worker:
            wait_for(lambda: worker.told("held", job.id), PATIENCE, "the copy")
        assert read(diary) == ["-1"]

    def test_a_next_step_that_could_not_be_sent_goes_on_with_what_waits_for_it_also_outside_a_flow(
        self, platform: PlatformApp, letters: DeadLetterQueue
    ) -> None:
        end = chain(tasks.word.s(3), tasks.plus.s(1), tasks.plus.s(10)).apply_async()
        letter = buried(platform, end.parent.id)
        assert (letter["state"], letter["flow"], is_parked(letter)) == ("parked", None, True)
        letters.edit(letter["id"], {"x": 3})
        platform.store.mark_replaying(letter["id"], 0.0, version=2)  # a replay that was killed before it sent
        letters.replay(letter["id"])
        assert end.get(timeout=PATIENCE) == 14

    @pytest.mark.checklist(37, 65)
    def test_a_member_of_a_chord_that_failed_with_it_is_run_alone(
        self, platform: PlatformApp, letters: DeadLetterQueue, diary: Path
    ) -> None:
        end = chord([tasks.number.s(1), tasks.number.s(-2)], tasks.listed.s(diary)).apply_async()
        letter = buried(platform, end.parent.results[1].id)
        assert "less than nothing" in failure(platform, end.id)
        assert (letter["state"], is_parked(letter), is_awaited(letter)) == ("dead", False, True)
        mend(letters, letter, value=2)
        gone(platform, letter["id"])
        wait_for(lambda: platform.AsyncResult(letter["id"]).state == "SUCCESS", PATIENCE, "the result")
        assert platform.AsyncResult(letter["id"]).result == 2
        assert platform.AsyncResult(end.id).state == "FAILURE"
        assert read(diary) == []


class TestMessagesThatNobodyUnderstood:
    @pytest.mark.checklist(16, 37)
    def test_a_step_of_an_unknown_task_is_corrected_and_goes_on_once_the_task_is_known(
        self, platform: PlatformApp, server: RedisServer, letters: DeadLetterQueue, logs: Path
    ) -> None:
        from acceptance import newer  # noqa: PLC0415 - deployed later than the others

        queue = f"newer-{uuid.uuid4()}"
        canvas = chain(newer.greet.s("Ada").set(queue=queue), tasks.echo.s())
        flow_id = start(platform, canvas)
        options = ("-Q", queue)
        brief = {**MODULES, "TASKS_UNKNOWN_TASK_GRACE": "PT1S"}
        with running_worker(PLATFORM, server.url, logs / "older.log", *options, environment=brief):
            letter = buried(platform, flows.find(platform, flow_id).steps[0].job_id)
        assert letter["message"]["raw"]
        assert letters.arguments(letter) == {"name": "Ada"}
        letters.edit(letter["id"], {"name": "Grace"})
        letters.replay(letter["id"])
        deployed = {"TASKS_MODULES": "acceptance.flow_tasks,acceptance.newer"}
        with running_worker(PLATFORM, server.url, logs / "newer.log", *options, environment=deployed):
            assert result(platform, ended(platform, flow_id, "succeeded")) == "Hello, Grace"

    @pytest.mark.checklist(37)
    def test_what_this_process_does_not_know_either_is_sent_as_it_came(
        self, platform: PlatformApp, server: RedisServer, letters: DeadLetterQueue, logs: Path
    ) -> None:
        queue = f"unknown-{uuid.uuid4()}"
        job = platform.send_task("acceptance.nowhere.ship", (1,), queue=queue)
        brief = {**MODULES, "TASKS_UNKNOWN_TASK_GRACE": "PT1S"}
        with running_worker(PLATFORM, server.url, logs / "unknown.log", "-Q", queue, environment=brief):
            letter = buried(platform, job.id)
            with pytest.raises(LetterError, match=r"does not know the task 'acceptance\.nowhere\.ship'"):
                letters.edit(job.id, {"number": 2})
            letters.replay(job.id)
            again = dead_again(letters, job.id)
        assert [attempt["attempt"] for attempt in again["attempts"]] == [1, 2]
        assert again["message"]["body"] == letter["message"]["body"]
        letters.discard(job.id)
        assert letters.list() == []

    def test_what_is_no_task_at_all_can_be_looked_at_and_given_up(
        self, platform: PlatformApp, letters: DeadLetterQueue, client: redis.Redis
    ) -> None:
        with platform.producer_or_acquire() as producer:
            producer.publish({"hello": "world"}, exchange="", routing_key="default", serializer="json")
        letter = wait_for(letters.list, PATIENCE, "the letter")[0]
        assert json.loads(letter["message"]["body"]) == {"hello": "world"}
        with pytest.raises(LetterError, match="is no message of a job"):
            letters.edit(letter["id"], {"hello": "there"})
        letters.discard(letter["id"])
        assert letters.list() == []


def _replayed(letters: DeadLetterQueue, letter_id: str) -> bool:
    """Send a letter again; false if that is refused, or if it is gone already."""
    try:
        letters.replay(letter_id)
    except LetterError:
        return False
    return True
