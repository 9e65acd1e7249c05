from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from embedded_processes import client_of, own_state_dir, processes_in, server_pid, servers_in, supervisor_pid
from redis_server import running_redis
from tasks_platform import embedded
from tasks_platform.embedded import stale
from tasks_platform.embedded.binary import find_binary
from tasks_platform.embedded.folder import Folder
from tasks_platform.embedded.identity import identify
from tasks_platform.embedded.locks import FileLock
from tasks_platform.embedded.ports import is_free, new_access
from tasks_platform.embedded.process import start_server
from tasks_platform.embedded.records import Access, Phase, Report, read_access, write_record
from tasks_platform.errors import NoServerError
from waiting import wait_for


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    with own_state_dir(tmp_path) as folder:
        yield folder


@pytest.fixture
def server(state_dir: Path) -> Iterator[embedded.EmbeddedServer]:
    with embedded.start(state_dir) as server:
        yield server


def port_of(state_dir: Path) -> int:
    port = embedded.status(state_dir).port
    assert port is not None
    return port


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@contextmanager
def unsupervised_server(state_dir: Path) -> Iterator[tuple[subprocess.Popen[bytes], Access]]:
    """Run a server as one that outlived its supervisor: nobody holds a lock any more but the server itself."""
    folder = Folder.of(state_dir)
    folder.create()
    access = new_access()
    write_record(folder.access, access)
    lock = FileLock(folder.server_lock)
    assert lock.try_alone()
    with start_server(folder, find_binary(), access, lock) as server:
        lock.close()
        write_record(folder.report, Report(phase=Phase.READY, supervisor=1, server=server.pid, since=1))
        wait_for(lambda: identify(access, folder.data))
        yield server, access
        server.kill()


def test_a_server_of_somebody_else_on_our_port_is_left_alone(state_dir: Path, tmp_path: Path) -> None:
    with embedded.start(state_dir) as server, client_of(server) as client:
        client.set("ours", "yes")
    wait_for(lambda: not processes_in(state_dir))
    with running_redis(tmp_path, port=port_of(state_dir)) as stranger, redis.Redis.from_url(stranger.url) as theirs:
        theirs.set("theirs", "yes")
        known = theirs.info("stats")["total_connections_received"]
        with embedded.start(state_dir) as moved, client_of(moved) as client:
            assert client.keys() == [b"ours"]
            assert port_of(state_dir) != stranger.port
            assert theirs.keys() == [b"theirs"]
            assert theirs.info("server")["process_id"] == stranger.pid
            assert theirs.info("stats")["total_connections_received"] == known
    wait_for(lambda: not processes_in(state_dir))


def test_a_port_taken_in_the_moment_of_a_restart_is_given_up_with_its_password(
    state_dir: Path, server: embedded.EmbeddedServer
) -> None:
    supervisor, port = supervisor_pid(state_dir), port_of(state_dir)
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(server_pid(state_dir), signal.SIGKILL)
    wait_for(lambda: is_free(port))
    with closing(socket.socket()) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        os.kill(supervisor, signal.SIGCONT)
        wait_for(lambda: port_of(state_dir) != port)
        moved = embedded.join(state_dir)

    assert moved is not None
    with moved, client_of(moved) as client:
        assert client.ping()
    assert server.url.split("@")[0] != moved.url.split("@")[0]
    assert "somebody else listens on port" in embedded.status(state_dir).log.read_text()


def test_a_server_that_outlived_its_supervisor_is_ended_and_its_data_kept(state_dir: Path) -> None:
    with unsupervised_server(state_dir) as (left_over, access):
        with redis.Redis.from_url(access.url) as client:
            client.set("kept", "yes")

        assert embedded.join(state_dir) is None
        with embedded.start(state_dir) as server, client_of(server) as client:
            assert access.url == server.url
            assert client.get("kept") == b"yes"
            assert {server_pid(state_dir)} == servers_in(state_dir) != {left_over.pid}


def test_a_left_over_server_that_hangs_is_killed(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale, "PATIENCE", 0.2)
    folder = Folder.of(state_dir)
    with unsupervised_server(state_dir) as (left_over, _):
        left_over.send_signal(signal.SIGSTOP)

        stale.end_stale_server(folder, FileLock(folder.server_lock))
        assert left_over.wait() == -signal.SIGKILL


def test_a_process_that_is_not_surely_ours_is_not_ended(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale, "PATIENCE", 0.1)
    folder = Folder.of(state_dir)
    folder.create()
    holder = FileLock(folder.server_lock)
    assert holder.try_alone()
    with subprocess.Popen(["sleep", "60"]) as innocent:
        write_record(folder.report, Report(phase=Phase.READY, supervisor=1, server=innocent.pid, since=1))

        with pytest.raises(NoServerError, match="does not end"):
            stale.end_stale_server(folder, FileLock(folder.server_lock))
        assert innocent.poll() is None
        innocent.kill()


def test_a_server_with_our_password_but_other_data_is_not_ours(
    state_dir: Path, server: embedded.EmbeddedServer, tmp_path: Path
) -> None:
    access = read_access(state_dir / "embedded" / "access.json")
    identity = identify(access, server.data)

    assert identity is not None
    assert (server_pid(state_dir), server.data) == (identity.pid, identity.data)
    assert identify(access, tmp_path) is None
    assert identify(replace(access, password="another"), server.data) is None


def test_a_program_that_keeps_ending_is_given_up_with_what_it_said(state_dir: Path, tmp_path: Path) -> None:
    broken = program(tmp_path / "broken-server", "echo the data cannot be read >&2\nexit 3")

    with pytest.raises(NoServerError, match=r"6 times in a row.*code 3.*the data cannot be read"):
        embedded.start(state_dir, binary=broken)
    wait_for(lambda: not processes_in(state_dir))
    assert "the data cannot be read" in embedded.status(state_dir).problem
    with embedded.start(state_dir):
        assert embedded.status(state_dir).problem == ""


def test_who_waits_for_a_server_that_fails_is_told_why(state_dir: Path, tmp_path: Path) -> None:
    broken = program(tmp_path / "broken-server", "exit 3")
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(embedded.start, state_dir, binary=broken)
        wait_for(lambda: supervisor_pid(state_dir))
        with pytest.raises(NoServerError, match="broken-server ended 6 times"):
            embedded.join(state_dir)
        assert isinstance(starting.exception(), NoServerError)


def test_a_server_that_never_answers_is_not_waited_for_beyond_patience(state_dir: Path, tmp_path: Path) -> None:
    silent = program(tmp_path / "silent-server", "exec sleep 60")

    with pytest.raises(NoServerError, match=r"did not answer in time\. Its log is .*server\.log"):
        embedded.start(state_dir, binary=silent, patience=0.5)
    wait_for(lambda: not processes_in(state_dir))


def test_the_password_is_in_no_command_line_and_the_files_are_this_users_alone(
    state_dir: Path, server: embedded.EmbeddedServer
) -> None:
    password = server.url.split("@")[0].rpartition(":")[2]
    running = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes_in(state_dir)]

    assert len(password) == 48
    assert len(running) == 2
    assert not [line for line in running if password.encode() in line]
    assert password not in repr(server)
    assert password not in (state_dir / "embedded" / "server.log").read_text()
    for path in (state_dir, *state_dir.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_the_server_listens_on_loopback_alone_and_wants_the_password(
    state_dir: Path, server: embedded.EmbeddedServer
) -> None:
    suffix = f":{port_of(state_dir):04X}"
    lines = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]

    assert {line[1] for line in lines if line[1].endswith(suffix) and line[3] == "0A"} == {f"0100007F{suffix}"}
    with (
        redis.Redis(port=port_of(state_dir), retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_what_was_acknowledged_is_kept_and_nothing_is_evicted(server: embedded.EmbeddedServer) -> None:
    wanted = {"appendonly": "yes", "appendfsync": "no", "maxmemory-policy": "noeviction", "save": ""}
    with client_of(server) as client:
        assert wanted == client.config_get(*wanted)


@pytest.mark.parametrize("name", ["-dash", "#'\"\\x41 %s $HOME", "two\nlines été ", "d" * 200])
def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str) -> None:
    with embedded.start(tmp_path / name) as server, client_of(server) as client:
        assert client.ping()
        assert (tmp_path / name / "embedded" / "data" / "appendonlydir").is_dir()
    wait_for(lambda: not processes_in(tmp_path / name))


@pytest.mark.parametrize("name", ["file/state", "null\0byte", "d" * 300])
def test_a_folder_that_cannot_be_made_is_refused_with_a_remedy(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NoServerError, match="Set TASKS_STATE_DIR to a folder"):
        embedded.start(tmp_path / name)


def test_a_folder_of_another_user_is_refused(
    state_dir: Path, server: embedded.EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    for use in (embedded.start, embedded.join, embedded.status):
        with pytest.raises(NoServerError, match=f"belongs to another user \\(uid {owner}\\)"):
            use(state_dir)


def test_damaged_records_cost_the_address_but_no_data(state_dir: Path) -> None:
    with embedded.start(state_dir) as server, client_of(server) as client:
        client.set("kept", "yes")
    wait_for(lambda: not processes_in(state_dir))
    for record in ("access.json", "report.json"):
        (state_dir / "embedded" / record).write_text('{"port"')

    with embedded.start(state_dir) as server, client_of(server) as client:
        assert client.get("kept") == b"yes"
