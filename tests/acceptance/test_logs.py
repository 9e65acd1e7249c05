"""Every line that is written while a job runs says which job: in every pool, for people and for programs."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import chatty
from acceptance.workers import PLATFORM, TESTS, Worker, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

Line = dict[str, Any]
MODULES = {"TASKS_MODULES": "acceptance.chatty"}


def lines_of(worker: Worker) -> list[Line]:
    """Return all that a worker wrote: one object a line, nothing else."""
    return [json.loads(line) for line in worker.log.read_text().splitlines()]


@pytest.fixture(scope="module", params=["prefork", "threads"])
def worker(request: pytest.FixtureRequest, server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    pool: str = request.param
    with running_worker(PLATFORM, server.url, logs / f"{pool}.log", pool=pool, environment=MODULES) as worker:
        yield worker


@pytest.fixture(scope="module")
def written(worker: Worker) -> dict[str, list[Line]]:
    """Return what was written during each of some jobs, which ran beside each other."""
    jobs = [chatty.talks.apply_async((number,), tenant=f"tenant-{number}") for number in range(4)]
    for job in jobs:
        assert job.get(timeout=30)
        wait_for(lambda job=job: worker.told("completed", job.id), 10, "the last line")
    found: dict[str, list[Line]] = {job.id: [] for job in jobs}
    lines = sorted(lines_of(worker), key=lambda line: (line["process"], line["thread"]))
    for _, group in groupby(lines, key=lambda line: (line["process"], line["thread"])):
        during: list[Line] | None = None
        for line in sorted(group, key=lambda line: line["timestamp"]):
            if line["event"] == "started":
                during = found.get(line["job_id"])  # others may come back from a worker that was killed
            if during is not None:
                during.append(line)
            if line["event"] == "completed":
                during = None
    assert all(found.values())
    return found


@pytest.mark.checklist(80)
def test_every_line_of_a_job_says_which_job_it_is(written: dict[str, list[Line]]) -> None:
    for job_id, lines in written.items():
        number = next(line["order"] for line in lines if "order" in line)
        about = {"job_id": job_id, "task": "acceptance.chatty.talks", "attempt": 1, "tenant": f"tenant-{number}"}
        assert [line for line in lines if not line.items() >= {**about, "queue": "default"}.items()] == []


@pytest.mark.checklist(80, 73)
def test_all_who_write_are_heard(written: dict[str, list[Line]]) -> None:
    for lines in written.values():
        number = next(line["order"] for line in lines if "order" in line)
        said = [(line["logger"], line["level"], line["event"]) for line in lines]
        mine = "acceptance.chatty"
        assert said[:3] == [
            ("tasks_platform.events", "info", "started"),
            (mine, "info", f"plain {number}"),
            (mine, "info", "structured"),
        ]
        assert (mine, "info", "by Celery's logger") in said
        assert ("celery.redirected", "warning", f"printed {number}") in said
        assert any(logger == "urllib3.connectionpool" and "Retrying" in event for logger, _, event in said)
        assert said[-1] == ("tasks_platform.events", "info", "completed")
        assert (lines[2]["parcels"], lines[2]["bound"]) == (number, number)
        assert lines[-1]["result"] == "list of 1"
        assert lines[-1]["runtime"] >= 0.05
    # Python shows a warning once per process
    assert any(line["logger"] == "py.warnings" for lines in written.values() for line in lines)


def test_an_error_in_a_line_has_its_frames(written: dict[str, list[Line]]) -> None:
    for lines in written.values():
        (line,) = (line for line in lines if line["event"] == "no answer")
        assert line["exception"][0]["exc_type"] == "MaxRetryError"
        assert all("locals" not in frame for error in line["exception"] for frame in error["frames"])


def test_a_jobs_life_is_told_once(worker: Worker) -> None:
    job = chatty.fails_for_good.apply_async(ignore_result=False)
    wait_for(lambda: worker.told("failed", job.id), 20, "the death")
    assert job.get(timeout=20, propagate=False)
    told = [line for line in lines_of(worker) if job.id in json.dumps(line)]
    life = [line for line in told if "attempt" in line]  # besides what is said of its letter
    assert [(line["event"], line["level"], line["attempt"]) for line in life] == [
        ("started", "info", 1),
        ("retrying", "warning", 1),
        ("started", "info", 2),
        ("failed", "error", 2),
    ]
    assert life[-1]["error"] == "ConnectionError: attempt 2 is in vain"
    assert life[-1]["exception"][0]["exc_value"] == "attempt 2 is in vain"
    assert not any(line["event"].startswith("Task ") and "received" not in line["event"] for line in told)


def test_what_a_job_has_bound_ends_with_it(written: dict[str, list[Line]], worker: Worker) -> None:
    jobs = [chatty.says_what_is_bound.delay() for _ in range(4)]
    for job in jobs:
        wait_for(lambda job=job: worker.told("unbound", job.id), 20, "the line")
    assert all("bound" not in line for line in lines_of(worker) if line["event"] == "unbound")


def test_plain_tasks_are_told_by_celery_and_their_lines_say_which_job(platform: PlatformApp, worker: Worker) -> None:
    job = platform.send_task("acceptance.chatty.plain", (7,), queue="default")
    wait_for(lambda: worker.said(f"acceptance.chatty.plain[{job.id}] succeeded"), 20, "Celery's own line")
    lines = [line for line in lines_of(worker) if line.get("job_id") == job.id]
    assert [line["event"].partition(" in ")[0] for line in lines] == [
        "plain Celery 7",
        f"Task acceptance.chatty.plain[{job.id}] succeeded",
    ]


@pytest.mark.checklist(63)
def test_runs_that_go_well_need_not_be_written(server: RedisServer, platform: PlatformApp, logs: Path) -> None:
    quiet = {**MODULES, "TASKS_LOGS__EXECUTION": "false"}
    with running_worker(PLATFORM, server.url, logs / "no-execution.log", "-Q", "aside", environment=quiet) as worker:
        job = chatty.talks.apply_async((1,), queue="aside")
        failing = chatty.fails_for_good.apply_async(queue="aside")
        assert job.get(timeout=20)
        wait_for(lambda: worker.told("failed", failing.id), 20, "the death")
        assert worker.said("plain 1")
        assert (worker.told("started", job.id), worker.told("completed", job.id)) == (0, 0)


#: What colours a terminal.
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """A terminal, and what programs wrote to it."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        os.set_blocking(self._ours, False)
        self._read = b""

    @contextmanager
    def running(self, options: list[str], variables: Mapping[str, str]) -> Iterator[None]:
        """Run a worker in this terminal until the block ends."""
        command = [sys.executable, "-m", "celery", "-A", PLATFORM, "worker", "-Q", "aside", *options]
        command += ["--without-mingle", "--without-gossip"]
        path = f"{TESTS.parent}{os.pathsep}{TESTS}"
        environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": path, "TASKS_BUSINESS": "false", **MODULES}
        ends = {"stdin": self._theirs, "stdout": self._theirs, "stderr": self._theirs}
        process = subprocess.Popen(command, env={**environment, **variables}, start_new_session=True, **ends)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def text(self) -> str:
        """Return all that was written so far."""
        with suppress(BlockingIOError):
            while more := os.read(self._ours, 65536):
                self._read += more
        return self._read.decode(errors="replace")

    def close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


def test_in_a_terminal_lines_are_for_people(
    server: RedisServer, platform: PlatformApp, tmp_path: Path, terminal: Terminal
) -> None:
    with terminal.running(["--pool", "solo"], {"TASKS_REDIS_URL": server.url}):
        wait_for(lambda: " ready." in terminal.text(), 30, "the worker")
        job = chatty.talks.apply_async((5,), tenant="acme", queue="aside")
        assert job.get(timeout=20)
        wait_for(lambda: "completed" in terminal.text(), 20, "the last line")
        shown = terminal.text()
    assert ANSI.search(shown)
    plain = ANSI.sub("", shown)
    assert "[queues]" in plain  # Celery's banner is for people, too
    started = next(line for line in plain.splitlines() if "[info] started" in line and job.id in line)
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3} ", started)
    assert {f"job_id={job.id}", "task=acceptance.chatty.talks", "attempt=1", "tenant=acme"} <= set(started.split())
    assert "MaxRetryError" in plain


def test_the_command_line_has_the_last_word_and_a_file_is_written_for_programs(
    server: RedisServer, platform: PlatformApp, tmp_path: Path, terminal: Terminal
) -> None:
    file = tmp_path / "worker.log"
    options = ["--pool", "solo", "--loglevel", "WARNING", "--logfile", str(file)]
    with terminal.running(options, {"TASKS_REDIS_URL": server.url, "TASKS_LOGS__LEVEL": "debug"}):
        job = chatty.talks.apply_async((1,), queue="aside")
        assert job.get(timeout=30)
        wait_for(lambda: file.exists() and "no answer" in file.read_text(), 20, "the warning")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {line["level"] for line in lines if line.get("job_id") == job.id} == {"warning"}
    assert "no answer" not in terminal.text()
