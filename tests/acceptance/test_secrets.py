"""Planted tokens: wherever jobs with secrets go, the secrets are seen by their function and nobody else."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import chain, chord

from acceptance import secret_tasks as tasks
from acceptance.brokers import RabbitBroker
from acceptance.diary import read
from acceptance.hook import Hook
from acceptance.planted import Planted, files_in
from acceptance.shown import after_a_purge, in_the_letters, on_flower, told_of
from acceptance.spying import everything_in, spying_on
from acceptance.workers import PLATFORM, TESTS, running_worker
from flower_server import running_flower
from redis_server import RedisServer, running_redis
from sentry_ingest import running_ingest
from tasks_platform import Settings, enqueue_many
from tasks_platform import call as job_call
from tasks_platform.errors import PermanentError, SealingError
from tasks_platform.sealing import KeyRing, new_key
from tasks_platform.settings import Sealing, Signing
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.brokers import Broker
    from acceptance.spying import Spy
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # Celery's own call

OLD, NEW = new_key("old"), new_key("new")
OLD_SIGNER, NEW_SIGNER = new_key("old"), new_key("new")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the server writes down all that it is told."""
    return tmp_path_factory.mktemp("redis")


@pytest.fixture(scope="module")
def server(broker_kind: str, disk: Path) -> Iterator[RedisServer]:
    program = "redis-server" if broker_kind == "redis" else None
    with running_redis(disk, "--appendonly", "yes", program=program) as server:
        yield server


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer) -> Settings:
    return Settings(
        redis_url=server.url,
        modules="acceptance.secret_tasks",
        business=False,
        sealing=Sealing(keys=f"{NEW},{OLD}"),
        signing=Signing(keys=f"{NEW_SIGNER},{OLD_SIGNER}"),
    )


@pytest.fixture(scope="module")
def environment(server: RedisServer) -> dict[str, str]:
    """Return the environment of workers and commands that have the keys."""
    return {
        "TASKS_REDIS_URL": server.url,
        "TASKS_MODULES": "acceptance.secret_tasks",
        "TASKS_BUSINESS": "false",
        "TASKS_SEALING__KEYS": f"{NEW},{OLD}",
        "TASKS_SIGNING__KEYS": f"{NEW_SIGNER},{OLD_SIGNER}",
        "TASKS_SIGNING__REQUIRED": "true",
    }


@pytest.fixture
def raw(server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client


def test_the_search_finds_what_is_there(raw: redis.Redis, disk: Path) -> None:
    planted = Planted()
    token = planted.token()
    for write in (
        lambda: raw.set("s", f"x{token}"),
        lambda: raw.hset("h", "field", token),
        lambda: raw.rpush("l", json.dumps({"body": as_base64(f"body {token}")})),
        lambda: raw.zadd("z", {token: 1}),
        lambda: raw.sadd(token, 1),
    ):
        write()
        with pytest.raises(AssertionError, match=token):
            planted.check("Redis", everything_in(raw))
        raw.flushdb()
    with pytest.raises(AssertionError, match=token):
        planted.check("Redis on disk", *files_in(disk))


def as_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def where_the_broker_writes(broker: Broker, disk: Path) -> Iterator[bytes]:
    """Yield what the servers have written to their disks."""
    yield from files_in(disk)
    if isinstance(broker, RabbitBroker):
        yield from files_in(broker.host.server.folder)


def test_planted_tokens_are_seen_by_their_functions_and_nobody_else(  # noqa: PLR0913, PLR0917 - fixtures
    platform: PlatformApp,
    broker: Broker,
    environment: dict[str, str],
    raw: redis.Redis,
    disk: Path,
    logs: Path,
    diary: Path,
) -> None:
    planted = Planted()
    token, password, codes, pin = planted.token(), planted.token(), [planted.token()], planted.number()
    first, second, third, once = (planted.token() for _ in range(4))
    url, log = environment["TASKS_REDIS_URL"], logs / "secrets.log"
    state = diary.with_name("state")

    with (
        spying_on(platform, raw) as spy,
        running_ingest() as sentry,
        running_flower(state, url, logs / "flower.log", **environment) as flower,
        Hook(ill=False).serving() as hook,
    ):
        loud = tasks.tells_everybody.delay(diary, token, tasks.Account(name="ana", password=password), codes, pin=pin)
        unique = tasks.is_done_once.delay("ana@kontor.example", once)
        assert tasks.is_done_once.delay("ana@kontor.example", once).id == unique.id
        chained = chain(tasks.takes.s(first), tasks.takes.s(), tasks.takes.s()).delay()
        body = chord([tasks.takes.s(first), tasks.takes.s(second)], tasks.collects.s(third)).delay()
        (many,) = enqueue_many([job_call(tasks.takes, second)])
        wait_for(lambda: len(spy.redis) > 1, 20, "a look at what waits")
        reporting = {
            **environment,
            "TASKS_SENTRY__DSN": sentry.dsn,
            "TASKS_LETTERS__WEBHOOK": hook.url,
            "TASKS_LETTERS__MAIL_TO": "ops@kontor.example",
            "TASKS_STATE_DIR": str(state),
        }
        with running_worker(PLATFORM, url, log, "-E", "-l", "DEBUG", environment=reporting):
            wait_for(lambda: platform.store.letter(loud.id), 20, "the letter")
            wait_for(lambda: platform.store.letter(unique.id), 20, "the other letter")
            assert tasks.takes.AsyncResult(chained.id).get(timeout=20) == f"next-next-next-{first}"
            assert tasks.collects.AsyncResult(body.id).get(timeout=20) == [f"next-{first}", f"next-{second}", third]
            assert tasks.takes.AsyncResult(many.id).get(timeout=20) == f"next-{second}"
            assert platform.store.progress(loud.id)["message"] == "with <sealed>"
            with pytest.raises(PermanentError) as died:
                loud.get(timeout=20)
            assert len(read(diary)) == 3

            shown = [repr(died.value), str(loud.traceback)]
            shown += in_the_letters(loud.id, new_pin := planted.number(), environment)
            wait_for(lambda: tasks.tells_everybody.AsyncResult(loud.id).state == "SUCCESS", 20, "the replay")
            assert tasks.tells_everybody.AsyncResult(loud.id).get(timeout=20) == f"result-of-{token}"
            assert tasks.gives_away.delay("given-away").get(timeout=20) == "in the open: given-away"
            wait_for(lambda: flower.jobs().get(loud.id, {}).get("state") == "SUCCESS", 20, "Flower")
            wait_for(lambda: sentry.events(job_id=loud.id) and sentry.events(job_id=unique.id), 20, "the reports")
            pages = list(on_flower(flower, [loud.id, unique.id, chained.id, body.id]))
            shown += told_of(hook, state, {loud.id, unique.id})
            shown += after_a_purge(unique.id, environment)

    everything = [token, password, *codes]
    assert [json.loads(line) for line in read(diary)] == [[*everything, pin]] * 3 + [[*everything, new_pin]]
    said = log.read_text()
    planted.check("the worker's log", said.encode())
    planted.check("the events", spy.events)
    planted.check("what people are shown", *shown)
    planted.check("Flower", *pages, flower.said(), *(file.read_bytes() for file in state.rglob("*") if file.is_file()))
    planted.check("Sentry", *sentry.bodies)
    planted.check("Redis", *spy.redis)
    planted.check("what the servers have on disk", *(written := list(where_the_broker_writes(broker, disk))))
    assert all(any(name.encode() in text for text in written) for name in (loud.id, tasks.takes.name, str(diary)))
    the_search_looked_where_something_was_to_be_found(spy, said, "".join(shown), "".join(pages), str(diary), loud.id)
    assert b"has no use for <sealed>" in b"".join(sentry.bodies)
    assert broker.url is not None or any(b'"chord":' in dump for dump in spy.redis)


def the_search_looked_where_something_was_to_be_found(  # noqa: PLR0913, PLR0917 - what was found
    spy: Spy, said: str, shown: str, pages: str, diary: str, job_id: str
) -> None:
    for line in (
        "plainly <sealed> <sealed> <sealed> <sealed>",
        "by Celery's logger: <sealed>",
        "printed <sealed>",
        "by a thread: <sealed>",
        "the gateway refused <sealed>",
        "('<sealed>', {'Authorization'",
        "took <sealed>",
    ):
        assert line in said
    assert "gives_away" in said.partition("returns in the open what it got sealed")[0].splitlines()[-1]
    received = [event for event in spy.events if event["type"] == "task-received" and event["uuid"] == job_id]
    assert f"'{diary}', '<sealed>', {{'name': 'ana', 'password': '<sealed>'}}, ['<sealed>']" in received[0]["args"]
    assert received[0]["kwargs"] == "{'pin': '<sealed>'}"
    results = [event["result"] for event in spy.events if event["type"] == "task-succeeded"]
    assert "{'sealed', ...}" in results
    assert {event["type"] for event in spy.events} >= {"task-received", "task-retried", "task-failed"}
    assert any(b"tasks-platform:steps:" in dump for dump in spy.redis)
    assert any(b"tasks-platform:unique:" in dump for dump in spy.redis)
    assert 'pin = "<sealed>"' in shown
    assert "has no use for &lt;sealed&gt;" in pages


SENDER = """
from tasks_platform.celery import app
app.loader.import_default_modules()
print(app.tasks["acceptance.secret_tasks.takes"].delay("sealed-by-the-old").id)
"""


def test_what_was_sealed_and_signed_with_the_old_keys_runs_where_the_new_ones_are_first(
    broker: Broker, platform: PlatformApp, environment: dict[str, str], raw: redis.Redis, logs: Path
) -> None:
    before = {**environment, "TASKS_SEALING__KEYS": OLD, "TASKS_SIGNING__KEYS": OLD_SIGNER}
    variables = {**os.environ, "PYTHONPATH": str(TESTS), **before}
    sent = subprocess.run([sys.executable, "-c", SENDER], env=variables, capture_output=True, text=True, check=True)
    job = tasks.takes.AsyncResult(sent.stdout.strip())
    message = {} if broker.url else broker.peek("default")
    with running_worker(
        PLATFORM, environment["TASKS_REDIS_URL"], logs / "new.log", pool="solo", environment=environment
    ):
        assert job.get(timeout=20) == "next-sealed-by-the-old"

    result = raw.get(f"celery-task-meta-{job.id}")
    assert keys_named_in(result) == {"new"}
    if message:
        assert message["headers"]["signature"].startswith("old:")
        assert keys_named_in(message["body"]) == {"old"}


def keys_named_in(text: Any) -> set[str]:
    """Return the keys with which something in *text* was sealed."""
    return set(re.findall(r'"sealed": ?"(\w+):', str(text)))


def test_a_worker_without_the_key_keeps_the_job_for_one_that_has_it(
    platform: PlatformApp, letters: DeadLetterQueue, environment: dict[str, str], logs: Path
) -> None:
    job = tasks.takes.delay("to-be-kept")
    url = environment["TASKS_REDIS_URL"]
    keyless = {**environment, "TASKS_SEALING__KEYS": OLD}
    with running_worker(PLATFORM, url, logs / "keyless.log", pool="solo", environment=keyless):
        letter = wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
    assert letter["cause"]["type"] == "tasks_platform.errors.SealingError"
    assert "was sealed with the key 'new', which this process does not have" in letter["cause"]["message"]
    assert len(letter["attempts"]) == 1
    with running_worker(PLATFORM, url, logs / "keyed.log", pool="solo", environment=environment):
        letters.replay(job.id)
        wait_for(lambda: tasks.takes.AsyncResult(job.id).state == "SUCCESS", 20, "the replay")
        assert tasks.takes.AsyncResult(job.id).get(timeout=20) == "next-to-be-kept"


def test_without_keys_nothing_is_sent(platform: PlatformApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "ring", KeyRing())
    with pytest.raises(SealingError, match="no key to seal with: make one with 'tasks-platform keys new'"):
        platform.tasks[tasks.takes.name].delay("token")
