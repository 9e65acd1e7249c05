"""Signed messages: what was not signed, or was changed on its way, is kept and never run."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord

from acceptance import accidents, shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from command_line import call as command
from tasks_platform import Settings, call, enqueue_many
from tasks_platform.errors import LetterError
from tasks_platform.letters.sending import publish_copy
from tasks_platform.sealing import new_key
from tasks_platform.settings import Signing
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

KEYS = f"{new_key('new')},{new_key('old')}"
MODULES = "acceptance.shop,acceptance.accidents"


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer) -> Settings:
    return Settings(redis_url=server.url, modules=MODULES, business=False, signing=Signing(keys=KEYS))


@pytest.fixture(scope="module")
def environment(server: RedisServer) -> dict[str, str]:
    return {
        "TASKS_REDIS_URL": server.url,
        "TASKS_MODULES": MODULES,
        "TASKS_BUSINESS": "false",
        "TASKS_SIGNING__KEYS": KEYS,
        "TASKS_SIGNING__REQUIRED": "true",
    }


@pytest.fixture(scope="module")
def strict(server: RedisServer, platform: PlatformApp, logs: Path, environment: dict[str, str]) -> Iterator[Worker]:
    """Start a worker that requires signatures."""
    brief = {"TASKS_UNKNOWN_TASK_GRACE": "PT0.5S"}
    with running_worker(PLATFORM, server.url, logs / "strict.log", environment={**environment, **brief}) as worker:
        yield worker


@pytest.fixture(scope="module")
def lenient(server: RedisServer, platform: PlatformApp, logs: Path, environment: dict[str, str]) -> Iterator[Worker]:
    """Start a worker that verifies signatures and does not require them, on a queue of its own."""
    relaxed = {**environment, "TASKS_SIGNING__REQUIRED": "false"}
    options = ("--queues", "lenient", "--pool", "solo")
    with running_worker(PLATFORM, server.url, logs / "lenient.log", *options, environment=relaxed) as worker:
        yield worker


def unsigned(job_id: str, task: str, *args: Any) -> dict[str, Any]:
    """Return a message as a service in another language writes it."""
    return {
        "headers": {"lang": "go", "task": task, "id": job_id, "root_id": job_id},
        "body": json.dumps([args, {}, {}]),
    }


def as_it_travels(message: dict[str, Any]) -> str:
    """Return *message* as `Broker.put` takes it."""
    properties = {
        "correlation_id": message["headers"]["id"],
        "delivery_tag": str(uuid.uuid4()),
        "delivery_info": {"exchange": "", "routing_key": "default"},
    }
    coded = {"content-type": "application/json", "content-encoding": "utf-8"}
    return json.dumps({**message, **coded, "properties": properties})


def the_letter(letters: DeadLetterQueue) -> dict[str, Any]:
    """Wait for the one letter there is."""
    (letter,) = wait_for(letters.list, 20, "the letter")
    return letter


def test_whatever_the_platform_sends_is_signed_and_runs(
    platform: PlatformApp, strict: Worker, letters: DeadLetterQueue, diary: Path
) -> None:
    assert shop.add.delay(20, 22).get(timeout=20) == 42
    assert shop.whose_after_a_retry.apply_async(tenant="acme").get(timeout=20) == "acme"
    assert shop.add.apply_async((20, 22), countdown=0.2, expires=60).get(timeout=20) == 42
    assert platform.send_task(shop.add.name, (20, 22)).get(timeout=20) == 42
    assert [job.get(timeout=20) for job in enqueue_many([call(shop.add, 20, 22), shop.add.s(1, 2)])] == [42, 3]
    assert chain(shop.add.s(1, 2), shop.add.s(3))().get(timeout=20) == 6
    assert chord([shop.add.s(1, 2), shop.add.s(3, 4)], shop.total.s())().get(timeout=20) == 10
    assert shop.is_ordered.apply_async((diary, 1), queue="default", compression="gzip").get(timeout=20) is None
    wait_for(lambda: read(diary) == ["1"], 20, "the compressed message")
    assert not letters.list()


def test_remote_control_goes_on(platform: PlatformApp, strict: Worker) -> None:
    assert platform.control.ping(timeout=5, limit=1)
    assert platform.control.inspect(timeout=5, limit=1).registered()


def test_an_unsigned_message_is_kept_and_never_run_and_no_replay_makes_it_honest(  # noqa: PLR0913, PLR0917 - fixtures
    platform: PlatformApp,
    broker: Broker,
    strict: Worker,
    letters: DeadLetterQueue,
    diary: Path,
    environment: dict[str, str],
) -> None:
    job_id = str(uuid.uuid4())
    broker.put(as_it_travels(unsigned(job_id, shop.notes_its_id.name, str(diary))))
    letter = the_letter(letters)
    assert letter["cause"] == {
        "type": "UntrustedMessage",
        "message": "not trusted: it is not signed, and TASKS_SIGNING__REQUIRED is set",
        "line": "",
    }
    assert letter["id"] != job_id
    for operate in (letters.replay, lambda letter_id: letters.edit(letter_id, {"diary": "x"})):
        with pytest.raises(LetterError, match="'tasks-platform letters vouch' signs it as it came"):
            operate(letter["id"])
    assert read(diary) == []

    publish_copy(platform, letter["message"], {})  # somebody vouched for it and was cut off
    result = command("letters", "vouch", letter["id"], given="y\n", **environment)
    assert result.exit_code == 0, result.output
    assert "is not trusted: it is not signed" in result.stderr
    wait_for(lambda: strict.told("held", job_id), 20, "the second of two copies")
    wait_for(lambda: read(diary), 20, "the job that somebody vouched for")
    assert read(diary) == [job_id]
    assert not letters.list()


def moved(message: dict[str, Any]) -> None:
    message["headers"]["task"] = shop.notes_whose.name


def changed(message: dict[str, Any]) -> None:
    (diary, _), *rest = json.loads(message["body"])
    message["body"] = json.dumps([[diary, 8], *rest])


def promoted(message: dict[str, Any]) -> None:
    message["headers"]["platform"] = {"tenant": "somebody-else"}


def mutilated(message: dict[str, Any]) -> None:
    message["headers"]["signature"] = "new:\ud800"


@pytest.mark.parametrize("tamper", [moved, changed, promoted, mutilated])
@pytest.mark.parametrize("queue", ["default", "lenient"], ids=["required", "not required"])
def test_a_message_that_was_changed_on_its_way_is_kept_and_the_worker_goes_on(  # noqa: PLR0913, PLR0917 - fixtures
    broker: Broker,
    strict: Worker,
    lenient: Worker,
    letters: DeadLetterQueue,
    diary: Path,
    tamper: Callable[[dict[str, Any]], None],
    queue: str,
) -> None:
    aside = f"aside-{uuid.uuid4()}"
    honest = shop.notes_a_number.apply_async((str(diary), 7), queue=aside)
    message = broker.peek(aside)
    tamper(message)
    broker.put(as_it_travels(message), queue)
    letter = the_letter(letters)
    assert (letter["cause"]["type"], letter["id"] == honest.id) == ("UntrustedMessage", False)
    assert "it was changed after it was signed with the key 'new'" in letter["cause"]["message"]
    assert shop.add.apply_async((20, 22), queue=queue).get(timeout=20) == 42
    wait_for(lambda: broker.owed() == 0, 20, "the acknowledgement")
    letters.discard(letter["id"])
    assert (read(diary), letters.list()) == ([], [])


def test_what_is_signed_arrives_as_it_was_sent(
    broker: Broker, strict: Worker, letters: DeadLetterQueue, diary: Path
) -> None:
    aside = f"aside-{uuid.uuid4()}"
    shop.notes_a_number.apply_async((str(diary), 7), queue=aside)
    broker.put(as_it_travels(broker.peek(aside)))  # the test's own way to send changes nothing
    wait_for(lambda: read(diary) == ["7"], 20, "the job")
    assert not letters.list()


def test_until_signatures_are_required_unsigned_messages_run(
    platform: PlatformApp, broker: Broker, lenient: Worker, letters: DeadLetterQueue
) -> None:
    job_id = str(uuid.uuid4())
    broker.put(as_it_travels(unsigned(job_id, shop.add.name, 20, 22)), "lenient")
    assert platform.AsyncResult(job_id).get(timeout=20) == 42
    assert not letters.list()


def test_letters_of_trusted_messages_are_replayed_signed_understood_or_not(
    platform: PlatformApp, strict: Worker, letters: DeadLetterQueue
) -> None:
    unknown = platform.send_task("acceptance.newer.greet", ("Ada",))
    refused = accidents.is_refused.delay("Ada", 36)

    def found(attempts: int) -> dict[str, str]:
        return {one["id"]: one["cause"]["type"] for one in letters.list() if len(one["attempts"]) == attempts}

    causes = {unknown.id: "NotRegistered", refused.id: "tasks_platform.errors.ServiceRefusedError"}
    wait_for(lambda: found(1) == causes, 20, "the letters")
    for letter_id in causes:
        letters.replay(letter_id)
    wait_for(lambda: found(2) == causes, 20, "the letters of the replays")
