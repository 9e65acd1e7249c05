"""Flower with a real worker: nobody sees it without a login, and nobody sees a secret in it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import flower.urls
import httpx2
import pytest

from acceptance import secretive
from acceptance.workers import PLATFORM, Worker, running_worker
from flower_server import TOKEN, FlowerServer, running_flower
from tasks_platform.console.guard import Guarded, guarded
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

SECRET = "hunter2-planted"
MODULES = {"TASKS_MODULES": "acceptance.secretive"}
CELERY = (sys.executable, "-m", "celery", "-A", "tasks_platform", "flower")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state folder."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def guest(server: RedisServer, state: Path, logs: Path) -> Iterator[FlowerServer]:
    """Run Flower for the tests of this file."""
    options = ("--conf=flower_config.py", "--state_save_interval=300")
    with running_flower(state, server.url, logs / "flower.log", *options, program=CELERY, **MODULES) as flower:
        yield flower


@pytest.fixture(scope="module")
def hiding(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Run a worker that tells Flower of its jobs from the first one."""
    with running_worker(PLATFORM, server.url, logs / "hiding.log", "-E", environment=MODULES) as worker:
        yield worker


def paths() -> list[str]:
    """Return a path for every rule of Flower's table, but its files and its form for a login it does not have."""
    patterns = [rule.regex.pattern if isinstance(rule, flower.urls.url) else rule[0] for rule in flower.urls.handlers]
    some = [re.sub(r"\(.[*+]\)", "x", pattern).rstrip("$") for pattern in patterns]
    return [path.replace(".*", "/nowhere") for path in some if "static" not in path and "login" not in path]


def test_no_page_opens_without_the_login(guest: FlowerServer) -> None:
    assert {"/", "/tasks", "/metrics", "/healthcheck", "/api/workers", "/api/worker/shutdown/x"} < {*paths()}
    for path in paths():
        for method in ("GET", "POST", "OPTIONS"):
            answer = guest.ask(path, method=method)
            assert (path, answer.status_code) == (path, 401)
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert guest.open(path, password="wrong").status_code == 401
        assert guest.open(path, user="root").status_code == 401
    assert guest.said().count("refused a wrong login") == 2 * len(paths())
    for path in ("/", "/tasks", "/broker", "/api/workers", "/metrics", "/healthcheck"):
        assert (path, guest.open(path).status_code) == (path, 200)
    assert listening_addresses(guest.port) == {"127.0.0.1"}


def listening_addresses(port: int) -> set[str]:
    """Return the IPv4 addresses on which somebody listens at *port*."""
    with open("/proc/net/tcp") as table:  # noqa: PTH123 - the kernel's
        rows = [line.split() for line in table][1:]
    local = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {".".join(str(byte) for byte in bytes.fromhex(host)[::-1]) for host, at in local if int(at, 16) == port}


def test_a_token_opens_the_metrics_and_nothing_else(guest: FlowerServer) -> None:
    def asked(path: str, token: str) -> int:
        return guest.ask(path, headers={"Authorization": f"Bearer {token}"}).status_code

    assert [asked(path, TOKEN) for path in ("/metrics", "/healthcheck")] == [200, 200]
    assert [asked(path, TOKEN) for path in ("/", "/tasks", "/api/workers")] == [401, 401, 401]
    assert asked("/metrics", "another") == 401


@pytest.mark.checklist(79)
def test_people_see_what_happened_and_no_secret(
    guest: FlowerServer, hiding: Worker, broker: Broker, tmp_path: Path
) -> None:
    end = tmp_path / "end"
    wait_for(lambda: "hiding" in guest.open("/workers?json=1").text, 20, "the worker")
    options = {"headers": {"Authorization": f"Bearer {SECRET}"}, "colour": "blue"}
    secretive.waits.apply_async((end, SECRET), countdown=600)
    running = secretive.waits.delay(end, SECRET)
    wait_for(lambda: known(guest, running.id) == "STARTED", 20, "a job that runs")
    worker = next(iter(wait_for(lambda: guest.open("/api/workers?refresh=1").json(), 20, "the worker's answer")))
    pages = [guest.open(f"/worker/{worker}").text, guest.open(f"/api/workers?refresh=1&workername={worker}").text]
    assert all(str(end) in page for page in pages)
    end.touch()

    good = secretive.logs_in.delay("ana", SECRET, options=options)
    bad = secretive.refuses.delay("bob", password=SECRET)
    again = secretive.is_retried.delay(1)
    wait_for(lambda: known(guest, good.id) == "SUCCESS" and known(guest, bad.id) == "FAILURE", 20, "both ends")
    wait_for(lambda: guest.jobs().get(again.id, {}).get("retried"), 20, "the retry")
    jobs = guest.jobs()
    assert jobs[good.id]["args"] == "('ana', ***)"
    assert jobs[good.id]["kwargs"] == "{'options': {'headers': {'Authorization': ***}, 'colour': 'blue'}}"
    assert jobs[good.id]["result"] == "{'user': 'ana', 'access_token': ***}"
    assert "bob may not log in: password=***" in str(jobs[bad.id]["exception"])
    assert "PermanentError" in str(jobs[bad.id]["traceback"])

    table = "/tasks/datatable?draw=1&start=0&length=50&order[0][column]=0&columns[0][data]=name"
    results = [guest.open(f"/api/task/result/{job.id}") for job in (good, bad)]
    assert results[0].json()["result"] == {"user": "ana", "access_token": "***"}
    tasks = [guest.open(path).text for path in (f"/task/{good.id}", f"/task/{bad.id}", table, "/api/tasks", "/metrics")]
    assert "may not log in" in tasks[1]
    assert "may not log in" in tasks[2]
    shown = [*pages, *tasks, *(answer.text for answer in results), guest.said()]
    assert [page for page in shown if SECRET in page] == []


def known(guest: FlowerServer, job_id: str) -> object:
    """Return the state of a job that Flower knows."""
    answer = guest.open(f"/api/task/info/{job_id}")
    return answer.json()["state"] if answer.status_code == httpx2.codes.OK else None


def test_the_history_outlives_a_kill(hiding: Worker, server: RedisServer, tmp_path: Path) -> None:
    args = (tmp_path / "state", server.url, tmp_path / "flower.log", "--state_save_interval=200")
    with running_flower(*args) as first:
        wait_for(lambda: "hiding" in first.open("/workers?json=1").text, 20, "the worker")
        job = secretive.logs_in.delay("eve", SECRET)
        wait_for(lambda: known(first, job.id) == "SUCCESS", 20, "the job")
        files = [tmp_path / "state" / "flower" / "history", tmp_path / "state" / "flower" / "history.dat"]
        wait_for(lambda: any(job.id.encode() in file.read_bytes() for file in files if file.exists()), 20, "the saving")
        first.process.kill()
        first.process.wait()
    with running_flower(*args) as second:
        assert second.jobs()[job.id]["name"] == "acceptance.secretive.logs_in"
    assert {file.stat().st_mode & 0o077 for file in (tmp_path / "state" / "flower").iterdir()} == {0}


def test_flower_that_is_given_no_configuration_asks_for_a_login_too_and_prints_it_once(
    guest: FlowerServer, server: RedisServer, state: Path, tmp_path: Path
) -> None:
    log = tmp_path / "bare.log"
    with running_flower(state, server.url, log, program=CELERY, TASKS_FLOWER__PASSWORD="") as bare:
        found = re.findall(r"user (\S+), password (\S+)", bare.said())
        assert len(found) == 1
        user, password = found[0]
        assert bare.open("/", user, password).status_code == 200
        assert bare.open("/", user, "").status_code == 401
        assert bare.said().count(password) == 1
        assert "Another Flower keeps its history" in bare.said()


def test_what_is_guarded_twice_is_guarded_once() -> None:
    table = guarded(flower.urls.handlers, token=None)
    again = guarded(table, token=None)
    pages = [rule.handler_class if isinstance(rule, flower.urls.url) else rule[1] for rule in again]
    assert pages == [rule.handler_class if isinstance(rule, flower.urls.url) else rule[1] for rule in table]
    assert sum(issubclass(page, Guarded) for page in pages) == len(pages) - 1
