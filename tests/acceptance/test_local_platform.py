"""The platform on one machine: what is killed is started again, and nothing outlives the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from acceptance import flow_tasks as tasks
from month import PROGRAM, MonthRun, children_of, command_of, kill
from tasks_platform import Settings
from tasks_platform.errors import PlatformError
from tasks_platform.services.mailbox.folder import read_mailbox
from tasks_platform.up import LocalPlatform
from tasks_platform.up.child import Child
from tasks_platform.up.children import Children
from tasks_platform.up.keeper import Keeper
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Seconds in which whatever was started has to be gone.
SOON = 20.0


def running(parent: int, what: str) -> int | None:
    """Return the process id of a child by a word of its command line."""
    return next((pid for pid in children_of(parent) if what in command_of(pid)), None)


def listening(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    return bool(command_of(pid))


@pytest.fixture
def run(tmp_path: Path) -> MonthRun:
    """Return a month that is killed in the middle."""
    return MonthRun(tmp_path / "state")


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPlatform]:
    """Run a platform in this process."""
    monkeypatch.setenv("TASKS_MODULES", "acceptance.flow_tasks")
    monkeypatch.setenv("TASKS_BUSINESS", "false")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["tests", "."]))
    settings = Settings(state_dir=tmp_path / "state", modules="acceptance.flow_tasks", business=False)
    with LocalPlatform(settings, concurrency=1) as platform:
        yield platform
    platform.app.close()


@pytest.mark.checklist(24, 85)
def test_a_worker_and_a_mailbox_that_are_killed_are_started_again(platform: LocalPlatform) -> None:
    assert tasks.number.delay(1).get(timeout=60) == 1
    worker = wait_for(lambda: running(os.getpid(), " worker "), SOON, "the worker")
    mailbox = wait_for(lambda: running(os.getpid(), "services.mailbox"), SOON, "the mailbox")
    port = json.loads((platform.settings.state_dir / "mailbox.ready").read_text())["port"]
    kill(worker)
    kill(mailbox)
    log = platform.logs / "worker.log"
    wait_for(lambda: log.read_text().count(" ready.") == 2, 60, "the next worker")
    assert tasks.number.delay(2).get(timeout=60) == 2
    again = wait_for(lambda: running(os.getpid(), "services.mailbox"), SOON, "the next mailbox")
    assert {worker, mailbox}.isdisjoint({running(os.getpid(), " worker "), again})
    assert f"--port {port}" in command_of(again)
    platform.check()


def test_a_child_that_dies_again_and_again_is_given_up_with_its_log(tmp_path: Path) -> None:
    children = Keeper()
    children.add(Child(name="sick", command=["/bin/false"], environment=os.environ, log=tmp_path / "sick.log"))
    try:
        wait_for(lambda: children.given_up, 60, "the giving up")
    finally:
        children.end()
    reason = f"the sick died 6 times soon after its start, with exit code 1; its log is {tmp_path / 'sick.log'}"
    assert children.given_up == {"sick": reason}


def test_children_end_stage_by_stage_the_highest_first(tmp_path: Path) -> None:
    script = "trap 'echo {name} >> {log}; sleep 0.2; exit' TERM; echo up > {name}; while :; do sleep 0.05; done"
    order = tmp_path / "order"
    children = Children()
    for stage, name in enumerate(("first", "second")):
        ready = tmp_path / name
        command = ["/bin/sh", "-c", script.format(name=ready, log=order)]
        children.add(Child(name=name, command=command, environment=os.environ, log=tmp_path / "log", stage=stage))
    wait_for(lambda: all((tmp_path / name).exists() for name in ("first", "second")), SOON, "both")
    children.end()
    assert order.read_text().split() == [str(tmp_path / "second"), str(tmp_path / "first")]


def test_what_does_not_end_is_killed(tmp_path: Path) -> None:
    children = Children()
    command = ["/bin/sh", "-c", f"trap '' TERM; echo up > {tmp_path / 'up'}; while :; do sleep 0.05; done"]
    children.add(Child(name="deaf", command=command, environment=os.environ, log=tmp_path / "log"))
    wait_for((tmp_path / "up").exists, SOON, "the child")
    pid = running(os.getpid(), "trap ''")
    assert pid is not None
    assert children.end(grace=0.3) == ["deaf"]
    assert not listening(pid)


def everything(run: MonthRun, process: subprocess.Popen[str]) -> set[int]:
    """Wait until a month is under way, and return all processes that belong to it, but the command itself."""
    run.wait_for_step("Render invoices", 1)
    started = {run.server(), run.mailbox_server(), run.worker_child(process), *children_of(process.pid)}
    assert len(started) == 4
    return started


@pytest.mark.checklist(12, 85)
def test_nothing_is_left_when_the_command_is_killed(run: MonthRun) -> None:
    with run.in_the_background() as process:
        started = everything(run, process)
        kill(process.pid)
        process.communicate(timeout=SOON)
    wait_for(lambda: not any(map(listening, started)), SOON, f"the end of {started}")


@pytest.mark.checklist(82, 85)
def test_ctrl_c_ends_everything_and_the_next_call_completes_the_month(run: MonthRun) -> None:
    command = (*PROGRAM, "run")
    with subprocess.Popen(
        command, env=run.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        started = everything(run, process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "Interrupted. Nothing is lost: the same command goes on where it was stopped."
    assert "Traceback" not in output
    wait_for(lambda: not any(map(listening, started)), SOON, f"the end of {started}")
    outcome = json.loads(run.command("run", "--json"))
    assert outcome["state"] == "parked"
    assert (outcome["summary"]["filed"], outcome["summary"]["mailed"]) == (25, 24)
    mails = read_mailbox(run.state / "mailbox")
    assert len({mail.message_id for mail in mails}) == 24


def test_a_part_that_cannot_be_started_is_an_error_that_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(redis_url="redis://127.0.0.1:1/0", state_dir=tmp_path, business=False)
    platform = LocalPlatform(settings)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PlatformError, match="the mailbox died 6 times") as given_up, platform:
        pytest.fail("it was started")
    assert str(platform.logs / "mailbox.log") in str(given_up.value)
    platform.app.close()
