"""``tasks-platform up``: everything together, one log, and nothing left in the end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

from acceptance import secret_tasks, shop
from acceptance.closing import close
from acceptance.diary import read
from acceptance.planted import Planted, files_in
from command_line import call, refusal
from month import PROGRAM, children_of, command_of, joined, kill
from redis_server import free_port
from tasks_platform import Settings, create_app, embedded
from tasks_platform.sealing import new_key
from tasks_platform.settings import Sealing
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tasks_platform.celery import PlatformApp

pytestmark = pytest.mark.timeout(300)  # several programs have to start, also on a busy machine
#: Seconds in which everything is ready, and in which everything that was started is gone.
READY, SOON = 120.0, 40.0
MODULES = "acceptance.shop,acceptance.secret_tasks"
SMALL = ("--without", "flower", "--without", "beat", "--workers", "1", "--concurrency", "1")


class Up:
    """The command, as it runs in a terminal of its own."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.state = folder / "state"
        self.output, self.errors = folder / "output", folder / "errors"
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(["tests", "."]),
            "TASKS_STATE_DIR": str(self.state),
            "TASKS_MODULES": MODULES,
            "TASKS_BUSINESS": "false",
            **variables,
        }
        with self.output.open("w") as output, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                (*PROGRAM, "up", *options), env=environment, stdout=output, stderr=errors, start_new_session=True
            )

    def ready(self) -> set[int]:
        """Wait until all parts are ready; return the processes of them all."""
        wait_for(lambda: self.process.poll() is not None or " ready; " in self.said(), READY, "all parts")
        assert self.process.poll() is None, self.errors.read_text()
        server = embedded.status(self.state)
        assert server.pid
        assert server.supervisor
        parts = children_of(self.process.pid)
        return {server.pid, server.supervisor, *parts, *(pid for part in parts for pid in children_of(part))}

    def said(self) -> str:
        """Return what was printed so far."""
        return self.output.read_text()

    def child(self, word: str) -> int | None:
        """Return the process of a part by a word of its command line."""
        return next((pid for pid in children_of(self.process.pid) if word in command_of(pid)), None)

    def press_ctrl_c(self) -> None:
        """Interrupt it, as a terminal does: all processes in the foreground hear of it."""
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self) -> int:
        """Return the exit code."""
        return self.process.wait(60)


@contextmanager
def running(folder: Path, *options: str, **variables: str) -> Iterator[Up]:
    """Run the command; what a failed test leaves is ended."""
    up = Up(folder, *options, **variables)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            up.process.wait(60)


@contextmanager
def client_of(up: Up, keys: str = "") -> Iterator[PlatformApp]:
    """Send jobs to what runs, sealed with *keys*."""
    with joined(up.state) as server:
        assert server is not None
        app = create_app(Settings(redis_url=server.url, modules=MODULES, business=False, sealing=Sealing(keys=keys)))
        try:
            yield app
        finally:
            close(app)


def all_gone(processes: set[int]) -> None:
    """Wait until none of *processes* is left."""
    wait_for(lambda: not any(command_of(pid) for pid in processes), SOON, f"the end of {processes}")


@pytest.mark.checklist(82, 83)
def test_everything_runs_with_one_log_and_ctrl_c_ends_it_when_its_jobs_have_ended(tmp_path: Path, diary: Path) -> None:
    port = free_port()
    classes = {"TASKS_WORKERS": '{"critical": null, "normal": {"concurrency": 1}, "low": null}'}
    planted, keys = Planted(), new_key("here")
    with running(tmp_path, "--port", str(port), TASKS_SEALING__KEYS=keys, **classes) as up:
        started = up.ready()
        with client_of(up, keys):
            assert shop.add.delay(1, 2).get(timeout=30) == 3
            login = re.search(r"user (\S+), password (\S+)", up.errors.read_text())
            assert login
            page = httpx2.get(f"http://127.0.0.1:{port}/api/tasks", auth=(login[1], login[2]), trust_env=False)
            assert [job["name"] for job in page.json().values()] == ["acceptance.shop.add"]
            token = planted.token()
            assert secret_tasks.takes.delay(token).get(timeout=30) == f"next-{token}"
            shop.takes_a_second.delay(diary)
            wait_for(lambda: read(diary), 20, "the job")
        up.press_ctrl_c()
        assert up.wait() == 0
    assert read(diary) == ["started", "ended"]
    all_gone(started)
    planted.check("what it said and keeps", up.output.read_bytes(), up.errors.read_bytes(), *files_in(up.state))
    assert "took <sealed>" in up.said()

    lines = up.said().splitlines()
    parts = {"worker-normal", "beat", "mailbox", "flower"}
    assert {line.partition(" ")[0] for line in lines} == {*parts, "up"}
    assert {line.index(" | ") for line in lines} == {len("worker-normal")}
    ran = {line.partition(" ")[0] for line in lines if "acceptance.shop.add" in line}
    assert "worker-normal" in ran
    assert f"http://127.0.0.1:{port}" in up.said()
    assert lines[-1].endswith(" | all parts have ended")
    logs = list((up.state / "logs").iterdir())
    assert {log.name for log in logs} == {f"{part}.log" for part in parts}
    assert not any(login[2] in file.read_text() for file in (*logs, up.output))


@pytest.mark.checklist(82)
def test_a_second_one_is_refused_in_words_and_term_ends_the_first(tmp_path: Path) -> None:
    with running(tmp_path, *SMALL) as up:
        started = up.ready()
        again = subprocess.run(
            (*PROGRAM, "up", "--json", *SMALL),
            env={**os.environ, "TASKS_STATE_DIR": str(up.state)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert again.returncode == 1
        assert f"tasks-platform up runs already for {up.state}, as process {up.process.pid}" in again.stderr
        up.process.send_signal(signal.SIGTERM)
        assert up.wait() == 0
    all_gone(started)


@pytest.mark.checklist(85)
def test_a_part_that_dies_ends_all(tmp_path: Path) -> None:
    with running(tmp_path, *SMALL, "--json") as up:
        wait_for(lambda: '"event": "ready"' in up.said(), READY, "all parts")
        started = {*children_of(up.process.pid)}
        kill(up.child("services.mailbox"))
        assert up.wait() == 1
    all_gone(started)
    log = up.state / "logs" / "mailbox.log"
    reason = f"the mailbox died, by SIGKILL; its log is {log}"
    assert f"Error: {reason}; it ended with" in up.errors.read_text()
    assert "mailbox ready on 127.0.0.1" in up.errors.read_text()
    lines = [json.loads(line) for line in up.said().splitlines()]
    assert [line["line"] for line in lines if line.get("event") == "died"] == [reason]
    assert {line["part"] for line in lines} >= {"worker", "mailbox", "up"}


@pytest.mark.checklist(85)
def test_nothing_is_left_when_the_command_itself_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, *SMALL) as up:
        started = up.ready()
        kill(up.process.pid)
        up.wait()
        all_gone(started)


def test_a_second_ctrl_c_does_not_wait_for_jobs(tmp_path: Path, diary: Path) -> None:
    with running(tmp_path, *SMALL, "--without", "mailbox") as up:
        started = up.ready()
        with client_of(up):
            shop.sleeps_the_first_time.delay(diary)
            wait_for(lambda: read(diary), 20, "the job")
        up.press_ctrl_c()
        wait_for(lambda: "Ctrl-C again kills" in up.said(), 20, "the ending")
        up.press_ctrl_c()
        assert up.wait() == 130
    all_gone(started)
    assert "killed: worker" in up.said()


def test_a_port_that_is_taken_and_a_module_that_is_missing_are_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TASKS_BUSINESS", "false")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(call("up", "--port", str(port))).startswith(f"Flower cannot listen on 127.0.0.1, port {port}: ")
    missing = call("up", TASKS_MODULES="no.such.module")
    assert "the task module no.such.module cannot be imported" in refusal(missing)
    assert not list((tmp_path / "state").glob("*/*"))
