"""``tasks-platform health`` beside a real server and a real worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.workers import PLATFORM, TESTS, running_worker
from redis_server import RedisServer, free_port, running_redis
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks_platform.celery import PlatformApp

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
