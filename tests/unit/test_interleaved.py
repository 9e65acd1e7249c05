"""One log of several parts."""

from __future__ import annotations

import json
import os
import signal
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tasks_platform.cli.interleaved import JsonScreen, TerminalScreen
from tasks_platform.settings import Settings
from tasks_platform.settings.flower import Flower
from tasks_platform.settings.workers import WorkerClass
from tasks_platform.up.log_file import LARGEST, LogFile
from tasks_platform.up.plan import Plan, flower_url
from tasks_platform.up.screen import LastingScreen
from tasks_platform.up.stopping import Stopping

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_are_shown_whole_and_the_last_one_when_its_writer_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "worker.log"
    path.parent.mkdir()
    path.write_text("of an earlier start\n")
    log = LogFile(path)
    with path.open("ab", buffering=0) as writer:
        writer.write(b"one\r\ntwo\nthr")
        assert log.new_lines() == ["one", "two"]
        writer.write(b"ee \xff\n\nfour")
        assert log.new_lines() == ["three \N{REPLACEMENT CHARACTER}", ""]
        assert log.new_lines() == []
    assert log.new_lines(at_the_end=True) == ["four"]
    assert list(log.last)[-2:] == ["", "four"]
    log.close()


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_bytes(b"x" * (LARGEST + 1))
    LogFile(path).close()
    assert (path.stat().st_size, path.with_name("worker.log.1").stat().st_size) == (0, LARGEST + 1)


def test_each_part_has_a_colour_and_nothing_steers_the_terminal() -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, color_system="standard", width=20, markup=False)
    screen = TerminalScreen(console, ["worker", "flower"])
    screen.line("worker", "a [bold]line[/] that is longer than the terminal is wide \x1b[2J")
    screen.line("flower", "hello")
    screen.say("died", "the worker died")
    lines = output.getvalue().splitlines()
    assert lines[0].endswith("a [bold]line[/] that is longer than the terminal is wide \N{REPLACEMENT CHARACTER}[2J")
    assert len({line.partition("m")[0] for line in lines}) == 3
    assert "the worker died" in lines[2]


def test_machines_get_an_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = JsonScreen()
    screen.line("worker", "plain text")
    screen.line("worker", '{"event": "started", "part": "mine"}')
    screen.line("worker", "[1, 2]")
    screen.ready({"flower": "http://127.0.0.1:5555"}, "user admin, password geheim")
    output, errors = capsys.readouterr()
    lines = [json.loads(line) for line in output.splitlines()]
    assert lines[0] == {"part": "worker", "line": "plain text"}
    assert lines[1] == {"part": "worker", "event": "started"}
    assert lines[2] == {"part": "worker", "line": "[1, 2]"}
    assert lines[3]["details"] == {"flower": "http://127.0.0.1:5555"}
    assert "geheim" not in output
    assert "geheim" in errors


def test_a_screen_that_is_gone_is_no_reason_to_fail() -> None:
    class Torn(JsonScreen):
        def line(self, part: str, text: str) -> None:
            raise BrokenPipeError

    screen = LastingScreen(Torn())
    assert not screen.gone
    screen.line("worker", "hello")
    screen.line("worker", "hello")
    assert screen.gone


def test_the_first_signal_asks_and_only_a_second_ctrl_c_insists() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopping() as stopping:
        assert (stopping.asked, stopping.insisted) == (False, False)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert (stopping.asked, stopping.insisted) == (True, False)
        os.kill(os.getpid(), signal.SIGINT)
        assert stopping.insisted
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:5555"),
        ("0.0.0.0", "http://127.0.0.1:5555"),
        ("::1", "http://[::1]:5555"),
        ("localhost", "http://localhost:5555"),
    ],
)
def test_where_a_browser_finds_flower(address: str, url: str) -> None:
    assert flower_url(Settings(flower=Flower(address=address)), 5555) == url


def test_what_is_left_out_is_not_started() -> None:
    classes = {"quick": WorkerClass(priorities=("critical",), concurrency=7), "other": WorkerClass(concurrency=2)}
    settings = Settings(workers=classes)
    every = Plan(port=5555)
    names = ["worker-critical", "worker-normal", "worker-low", "worker-quick", "worker-other", "beat", "flower"]
    assert [part.name for part in every.parts(settings, "x")] == names
    assert every.names(settings) == ["mailbox", *names]
    quick = " ".join(next(part.arguments for part in every.parts(settings, "x") if part.name == "worker-quick"))
    assert "--hostname quick@%h --concurrency 7 --levels critical --task-events" in quick
    few = Plan(workers=2, concurrency=3, port=5555, without=frozenset({"beat", "flower", "mailbox"}))
    assert [part.name for part in few.parts(settings, "x")] == ["worker-1", "worker-2"]
    assert all("--concurrency 3 --without" in " ".join(part.arguments) for part in few.parts(settings, "x"))
    assert not few.has_mailbox(settings)
    assert every.has_mailbox(settings)


def test_flower_alone_gets_the_password_and_not_on_its_command_line() -> None:
    for part in Plan(port=5555).parts(Settings(), "geheim"):
        assert "geheim" not in " ".join(part.arguments)
        assert ("geheim" in part.environment.values()) == (part.name == "flower")
