"""Planted tokens: wherever jobs with secrets go, the secrets are seen by their function and nobody else."""

from __future__ import annotations

import base64
import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import chain, chord

from acceptance import secret_tasks as tasks
from acceptance.diary import read
from acceptance.spying import as_bytes, everything_in, spying_on
from acceptance.workers import PLATFORM, running_worker
from command_line import call
from flower_server import running_flower
from sentry_ingest import running_ingest
from tasks_platform import Settings, enqueue_many
from tasks_platform import call as job_call
from tasks_platform.errors import PermanentError, SealingError
from tasks_platform.sealing import KeyRing, new_key
from tasks_platform.sealing.spellings import spellings
from tasks_platform.settings import Sealing
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.brokers import Broker
    from acceptance.spying import Spy
    from flower_server import FlowerServer
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # Celery's own call

OLD, NEW = new_key("old"), new_key("new")


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer) -> Settings:
    return Settings(
        redis_url=server.url, modules="acceptance.secret_tasks", business=False, sealing=Sealing(keys=f"{NEW},{OLD}")
    )


@pytest.fixture(scope="module")
def environment(server: RedisServer) -> dict[str, str]:
    """Return the environment of workers and commands that have the keys."""
    return {
        "TASKS_REDIS_URL": server.url,
        "TASKS_MODULES": "acceptance.secret_tasks",
        "TASKS_BUSINESS": "false",
        "TASKS_SEALING__KEYS": f"{NEW},{OLD}",
    }


@pytest.fixture
def raw(server: RedisServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url) as client:
        yield client


class Planted:
    """Secrets that are nowhere else in the world."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def token(self) -> str:
        self.all.append(secrets.token_hex(12))
        return self.all[-1]

    def number(self) -> int:
        self.all.append(str(10**9 + secrets.randbelow(10**9)))
        return int(self.all[-1])

    def check(self, place: str, *found: Any) -> None:
        """Fail if one of them was found."""
        for secret in self.all:
            for spelling in spellings(secret):
                seen = [text for text in map(as_bytes, found) if spelling.encode() in text]
                assert not seen, f"{secret} is in {place}: {_around(seen[0], spelling)!r}"


def _around(text: bytes, spelling: str) -> bytes:
    place = text.index(spelling.encode())
    return text[max(0, place - 200) : place + 100]


def test_the_search_finds_what_is_there(raw: redis.Redis) -> None:
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


def as_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def in_the_letters(job_id: str, pin: int, environment: dict[str, str]) -> Iterator[str]:
    """Look at a dead letter in every way there is, give it another secret, replay it; yield what was shown."""
    for words in (
        ("list",),
        ("list", "--json"),
        ("groups", "--json"),
        ("show", job_id),
        ("show", job_id, "--json"),
        ("edit", job_id, "--set", f"pin={pin}"),
        ("edit", job_id, "--ask", "pin", "--json"),
        ("audit", "--json"),
        ("replay", job_id, "--json"),
    ):
        result = call("letters", *words, columns=1000, given=f"{pin}\n", **environment)
        assert result.exit_code == 0, result.output
        yield result.output


def on_flower(flower: FlowerServer, job_ids: list[str]) -> Iterator[str]:
    """Yield the pages of Flower on which a job is to be seen."""
    table = "/tasks/datatable?draw=1&start=0&length=50&order[0][column]=0&columns[0][data]=name"
    for path in ("/", "/tasks", "/workers", "/broker", "/metrics", "/api/tasks", "/api/workers?refresh=1", table):
        yield flower.open(path).text
    for job_id in job_ids:
        for path in ("/task/", "/api/task/info/", "/api/task/result/"):
            yield flower.open(f"{path}{job_id}").text


def test_planted_tokens_are_seen_by_their_functions_and_nobody_else(  # noqa: PLR0913, PLR0917 - fixtures
    platform: PlatformApp, broker: Broker, environment: dict[str, str], raw: redis.Redis, logs: Path, diary: Path
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
    ):
        loud = tasks.tells_everybody.delay(diary, token, tasks.Account(name="ana", password=password), codes, pin=pin)
        unique = tasks.is_done_once.delay("ana@kontor.example", once)
        assert tasks.is_done_once.delay("ana@kontor.example", once).id == unique.id
        chained = chain(tasks.takes.s(first), tasks.takes.s(), tasks.takes.s()).delay()
        body = chord([tasks.takes.s(first), tasks.takes.s(second)], tasks.collects.s(third)).delay()
        (many,) = enqueue_many([job_call(tasks.takes, second)])
        wait_for(lambda: len(spy.redis) > 1, 20, "a look at what waits")
        reporting = {**environment, "TASKS_SENTRY__DSN": sentry.dsn}
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

    everything = [token, password, *codes]
    assert [json.loads(line) for line in read(diary)] == [[*everything, pin]] * 3 + [[*everything, new_pin]]
    said = log.read_text()
    planted.check("the worker's log", said.encode())
    planted.check("the events", spy.events)
    planted.check("what people are shown", *shown)
    planted.check("Flower", *pages, flower.said(), *(file.read_bytes() for file in state.rglob("*") if file.is_file()))
    planted.check("Sentry", *sentry.bodies)
    planted.check("Redis", *spy.redis)
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
