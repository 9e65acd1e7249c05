"""``tasks-platform health`` beside a real server and a real worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from platform import node as host
from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.beats import running_beat
from acceptance.workers import PLATFORM, TESTS, running_worker
from command_line import call
from redis_server import RedisServer, free_port, running_redis
from store_records import bury
from tasks_platform.policies.dead_letters import SCHEMA
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

MODULES = "acceptance.shop"


@pytest.fixture(scope="module")
def server(broker_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis"), "--appendonly", "yes") as server:
        yield server


def look(server: RedisServer, *words: str, **variables: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Return the exit code and the checks by name, in a process that knows no other task modules."""
    told = {"TASKS_REDIS_URL": server.url, "TASKS_MODULES": MODULES, "TASKS_BUSINESS": "false", **variables}
    environment = {**os.environ, "PYTHONPATH": str(TESTS), **told}
    command = [Path(sys.executable).with_name("tasks-platform"), "health", "--json", *words]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    answer = json.loads(result.stdout)
    assert answer["healthy"] is (result.returncode == 0)
    return result.returncode, {check["name"]: check for check in answer["checks"]}


@pytest.mark.checklist(77)
def test_it_is_well_with_a_worker_for_every_queue(platform: PlatformApp, server: RedisServer, logs: Path) -> None:
    def said() -> str:
        return str(look(server, TASKS_HEALTH__TIMEOUT="5")[1]["workers"]["message"])

    assert "no worker answers for default, orders" in said()
    with running_worker(PLATFORM, server.url, logs / "one.log", "-Q", "default"):
        wait_for(lambda: "no worker answers for orders:" in said(), 60, "the answer of one worker")
        with running_worker(PLATFORM, server.url, logs / "two.log", "-Q", "orders"):
            wait_for(lambda: look(server, TASKS_HEALTH__TIMEOUT="5")[0] == 0, 60, "the answers of both workers")
            code, checks = look(server, "--only", "redis", "--only", "letters")
    assert (code, [check["healthy"] for check in checks.values()]) == (0, [True, True])


@pytest.mark.checklist(77)
@pytest.mark.every_broker
def test_it_is_ill_when_too_much_waits(platform: PlatformApp, server: RedisServer, diary: Path) -> None:
    for number, priority in enumerate(("critical", "normal", "bulk")):
        shop.is_ordered.apply_async((diary, number), priority=priority)

    code, checks = look(server, "--only", "waiting", TASKS_HEALTH__QUEUES='{"orders": 4}')
    assert code == 0, checks
    code, checks = look(server, "--only", "waiting", TASKS_HEALTH__QUEUES='{"orders": 3}')
    assert (code, "orders has 3 of 3" in str(checks["waiting"]["message"])) == (1, True)


@pytest.mark.checklist(77)
def test_it_is_ill_when_too_many_letters_lie_in_the_store(server: RedisServer, letters: DeadLetterQueue) -> None:
    def said() -> tuple[int, bool, object]:
        result = call("health", "--json", "--only", "redis", "--only", "letters", TASKS_REDIS_URL=server.url)
        checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
        return result.exit_code, checks["redis"]["healthy"], checks["letters"]["message"]

    for number in range(99):
        bury(letters.store, f"dead-{number}", schema=SCHEMA)
    assert said() == (0, True, "99 dead letters")
    bury(letters.store, "one-too-many", schema=SCHEMA)
    assert said() == (1, True, "100 dead letters, 100 or more is too much: see 'tasks-platform letters groups'")


@pytest.mark.checklist(54, 77)
def test_it_is_ill_while_no_beat_fires_the_schedule(server: RedisServer, letters: DeadLetterQueue, logs: Path) -> None:
    schedule = {"TASKS_MODULES": "acceptance.scheduled", "TASKS_SCHEDULES__LEASE": "1"}

    def said() -> tuple[int, object]:
        code, checks = look(server, "--only", "redis", "--only", "beat", **schedule)
        return code, checks["beat"]["message"]

    store = letters.store
    with running_beat(server.url, logs / "beat.log", schedule) as beat:
        wait_for(lambda: any(told["leads"] and told["ticked_at"] for told in store.beats()), 60, "the beat")
        assert said() == (0, f"beat@{host()}:{beat.pid} fires 3 schedules, 0 more stand by")
    wait_for(lambda: store.beats() == [], 60, "the end of what it told of itself")
    assert said() == (1, "there is no beat to fire 3 schedules: start celery -A tasks_platform beat")


def test_it_is_ill_when_the_server_keeps_nothing_or_is_not_there(tmp_path: Path) -> None:
    with running_redis(tmp_path) as forgetful:
        code, checks = look(forgetful, "--only", "redis")
    assert (code, "appendonly yes" in str(checks["redis"]["message"])) == (1, True)

    began = time.monotonic()
    code, checks = look(forgetful)
    assert code == 1
    assert checks["letters"]["message"] == "not known: redis has to be well first"
    assert time.monotonic() - began < 20, "it has to answer before whoever asks loses patience"


@pytest.mark.checklist(77)
def test_a_broker_that_is_not_there_is_named(server: RedisServer) -> None:
    code, checks = look(server, TASKS_BROKER_URL=f"amqp://guest:guest@127.0.0.1:{free_port()}//")
    assert (code, checks["redis"]["healthy"], checks["broker"]["healthy"]) == (1, True, False)
    assert checks["waiting"]["message"] == "not known: broker has to be well first"


PAYMENTS = """
from tasks_platform.health import Finding, health_check

@health_check("payments", after=["redis"])
def payments():
    raise ConnectionError("the gateway is closed")
"""


@pytest.mark.checklist(77)
def test_a_check_of_a_task_module_is_made(server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "payments.py").write_text(PAYMENTS)
    code, checks = look(
        server, "--only", "redis", "--only", "payments", PYTHONPATH=str(tmp_path), TASKS_MODULES="payments"
    )
    assert (code, checks["payments"]["message"]) == (1, "ConnectionError: the gateway is closed")
