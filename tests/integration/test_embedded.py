from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from embedded_processes import client_of, own_state_dir, processes_in, server_pid, servers_in, supervisor_pid
from tasks_platform import embedded
from tasks_platform.embedded.locks import FileLock
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Event

#: A process that uses the server until its standard input ends, and says which one it got.
USER = """
import pathlib, sys
from tasks_platform import embedded
sys.stdin.readline()
server = embedded.start(pathlib.Path(sys.argv[1]))
print(server.url, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    with own_state_dir(tmp_path) as folder:
        yield folder


@pytest.fixture
def server(state_dir: Path) -> Iterator[embedded.EmbeddedServer]:
    with embedded.start(state_dir) as server:
        yield server


def user_process(state_dir: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USER, str(state_dir)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_joining_nothing_is_none_and_creates_nothing(state_dir: Path) -> None:
    assert embedded.join(state_dir) is None
    assert not embedded.status(state_dir).running
    assert not state_dir.exists()


def test_a_started_server_can_be_joined_and_described(state_dir: Path, server: embedded.EmbeddedServer) -> None:
    joined = embedded.join(state_dir)

    assert joined is not None
    with joined, client_of(joined) as client:
        assert server.url == joined.url
        assert client.info("server")["process_id"] == server_pid(state_dir)
        assert f"Valkey {client.info('server')['valkey_version']}" == server.version
        assert server.binary.name == "valkey-server"
        assert str(server.data) == client.config_get("dir")["dir"]
    description = embedded.status(state_dir)
    assert (True, server.version, server.data) == (description.running, description.version, description.data)


def test_starters_at_once_share_one_server(state_dir: Path) -> None:
    users = [user_process(state_dir) for _ in range(5)]
    for user in users:
        user.stdin.write("go\n")
        user.stdin.flush()
    urls = {user.stdout.readline() for user in users}

    assert len(urls) == 1
    assert len(servers_in(state_dir)) == 1
    for user in users:
        user.communicate()
    wait_for(lambda: not processes_in(state_dir))


def test_a_killed_server_is_back_at_the_same_address_with_what_it_acknowledged(
    state_dir: Path, server: embedded.EmbeddedServer
) -> None:
    with client_of(server) as client:
        for number in range(500):
            client.rpush("acknowledged", number)
        killed = server_pid(state_dir)
        os.kill(killed, signal.SIGKILL)

        assert [b"%d" % number for number in range(500)] == client.lrange("acknowledged", 0, -1)
        assert client.info("server")["process_id"] != killed


def test_data_and_address_outlive_a_normal_end(state_dir: Path) -> None:
    with embedded.start(state_dir) as first, client_of(first) as client:
        client.set("kept", "yes")
    wait_for(lambda: not processes_in(state_dir))
    with embedded.start(state_dir) as second, client_of(second) as client:
        assert client.get("kept") == b"yes"
        assert first.url == second.url


def test_the_server_stays_until_its_last_user_leaves(state_dir: Path) -> None:
    starter = embedded.start(state_dir)
    joined = embedded.join(state_dir)
    before = processes_in(state_dir)
    starter.close()
    starter.close()

    observed_until = time.monotonic() + 1.2  # the supervisor has looked at least twice by then
    while time.monotonic() < observed_until:
        assert before == processes_in(state_dir)
    joined.close()
    wait_for(lambda: not processes_in(state_dir))
    assert embedded.join(state_dir) is None


def test_a_user_that_is_killed_holds_the_server_no_longer(state_dir: Path) -> None:
    user = user_process(state_dir)
    user.stdin.write("go\n")
    user.stdin.flush()
    assert user.stdout.readline().startswith("redis://")
    user.kill()
    user.communicate()

    wait_for(lambda: not processes_in(state_dir))


def test_starting_while_the_server_ends_waits_and_starts_it_again(state_dir: Path) -> None:
    ending = embedded.start(state_dir)
    old = server_pid(state_dir)
    os.kill(old, signal.SIGSTOP)  # it cannot end yet
    ending.close()
    users = FileLock(state_dir / "embedded" / "users.lock")
    wait_for(lambda: not users.try_shared() or users.release(), description="the supervisor to end the server")
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(embedded.start, state_dir)
        os.kill(old, signal.SIGCONT)
        with starting.result() as server, client_of(server) as client:
            assert client.info("server")["process_id"] == server_pid(state_dir) != old
    users.close()


def test_a_server_dies_with_its_killed_supervisor(state_dir: Path) -> None:
    embedded.start(state_dir).close()
    joined = embedded.join(state_dir)  # a joiner does not replace a supervisor
    with client_of(joined) as client:
        client.set("kept", "yes")
    os.kill(supervisor_pid(state_dir), signal.SIGKILL)

    wait_for(lambda: not processes_in(state_dir))
    assert embedded.join(state_dir) is None
    with embedded.start(state_dir) as again, client_of(again) as client:
        assert joined.url == again.url
        assert client.get("kept") == b"yes"
    joined.close()


def test_a_killed_supervisor_is_replaced_while_a_starter_lives(
    state_dir: Path, server: embedded.EmbeddedServer
) -> None:
    killed = supervisor_pid(state_dir)
    with client_of(server) as client:
        client.set("kept", "yes")
        os.kill(killed, signal.SIGKILL)

        wait_for(lambda: supervisor_pid(state_dir) not in (killed, None))
        assert client.get("kept") == b"yes"
    assert len(servers_in(state_dir)) == 1


def test_a_supervisor_is_nobodys_child_and_no_part_of_the_terminal(
    state_dir: Path, server: embedded.EmbeddedServer
) -> None:
    supervisor = supervisor_pid(state_dir)
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

    assert str(supervisor) not in children
    assert os.getsid(supervisor) != os.getsid(0)
    assert os.getsid(server_pid(state_dir)) == os.getsid(supervisor)


def _close(server: embedded.EmbeddedServer) -> None:
    server.close()


def _wait_for_event(ended: Event) -> None:
    ended.wait(30)


def test_a_forked_child_that_closes_and_exits_leaves_the_server_alone(
    state_dir: Path, server: embedded.EmbeddedServer
) -> None:
    before = processes_in(state_dir)
    child = multiprocessing.get_context("fork").Process(target=_close, args=[server])
    child.start()
    child.join()

    assert child.exitcode == 0
    assert before == processes_in(state_dir)
    os.kill(supervisor_pid(state_dir), signal.SIGKILL)  # the parent still watches
    wait_for(lambda: (running := server_pid(state_dir)) and running not in before)


def test_a_forked_child_that_lives_on_keeps_the_server(state_dir: Path) -> None:
    server = embedded.start(state_dir)
    context = multiprocessing.get_context("fork")
    ended = context.Event()
    child = context.Process(target=_wait_for_event, args=[ended])
    child.start()
    before = processes_in(state_dir)
    server.close()

    observed_until = time.monotonic() + 1.2
    while time.monotonic() < observed_until:
        assert before <= processes_in(state_dir)
    ended.set()
    child.join()
    wait_for(lambda: not processes_in(state_dir))


@pytest.mark.needs("redis-server")
def test_a_server_of_the_system_serves_as_well(state_dir: Path) -> None:
    program = Path(shutil.which("redis-server"))
    with embedded.start(state_dir, binary=program) as server, client_of(server) as client:
        assert (program, f"Redis {client.info('server')['redis_version']}") == (server.binary, server.version)
