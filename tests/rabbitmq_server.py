"""A real RabbitMQ for tests: a child process on loopback with a folder, ports and a name of its own.

Whatever RabbitMQ the system runs is left alone. It takes several seconds to start, so that a process of tests starts
one at most, and every test file gets a virtual host of it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from base64 import b64encode
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds it may take to answer after it was started: mostly work for a processor, which others may use as well.
PATIENCE = 90.0
#: Seconds that the numbers it tells of its queues may be old: twice the interval that it is configured with.
STATISTICS = 0.4
_EVERYTHING = {"configure": ".*", "write": ".*", "read": ".*"}
_LOGIN = b64encode(b"guest:guest").decode()

#: Statistics at once instead of every five seconds; little of the disk has to be free.
_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
collect_statistics_interval = 200
disk_free_limit.absolute = 1MB
"""
_ADVANCED = "[{rabbit, [{quorum_tick_interval, 200}]}].\n"


@dataclass(frozen=True, kw_only=True)
class RabbitServer:
    """A running server."""

    port: int
    management: int
    #: Where it keeps its files.
    folder: Path

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the management interface and return its answer.

        Raises:
            OSError: if it does not answer.
            HTTPError: if it refuses.

        """
        request = Request(
            f"http://127.0.0.1:{self.management}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {_LOGIN}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or "null")

    @contextmanager
    def virtual_host(self) -> Iterator[VirtualHost]:
        """Make a virtual host that exists until the block ends."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.ask("PUT", f"vhosts/{name}", {})
        self.ask("PUT", f"permissions/{name}/guest", _EVERYTHING)
        try:
            yield VirtualHost(server=self, name=name)
        finally:
            self.ask("DELETE", f"vhosts/{name}")


@dataclass(frozen=True, kw_only=True)
class VirtualHost:
    """A name space of queues, of which nobody else knows."""

    server: RabbitServer
    name: str

    @property
    def url(self) -> str:
        """The address for ``broker_url``."""
        return f"amqp://guest:guest@127.0.0.1:{self.server.port}/{self.name}"

    def queues(self) -> dict[str, dict[str, Any]]:
        """Return what the server tells of each queue; numbers of messages are some tenths of a second old."""
        return {queue["name"]: queue for queue in self.server.ask("GET", f"queues/{self.name}")}

    def connections(self) -> list[str]:
        """Return the names of the open connections."""
        return [each["name"] for each in self.server.ask("GET", f"vhosts/{self.name}/connections")]

    def cut_connections(self) -> None:
        """Close all connections that it lists by now, as an operator or a failing node does."""
        for name in self.connections():
            with suppress(HTTPError):  # it has just closed
                self.server.ask("DELETE", f"connections/{quote(name, safe='')}")


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[RabbitServer]:
    """Run a server that keeps its files in *folder* until the block ends."""
    for _ in range(3):
        with _running_epmd() as epmd_port, _process(folder, epmd_port) as (process, server):
            if _answers(process, server):
                yield server
                return
    log = folder / "rabbit.log"
    raise RuntimeError(f"RabbitMQ did not start:\n{log.read_text()[-5000:] if log.exists() else ''}")


def server_program() -> Path | None:
    """Find the program itself: Debian's wrapper would start the server of the system."""
    if (found := shutil.which("rabbitmq-server")) is None:
        return None
    program = Path(found).resolve()
    return program.with_name("rabbitmq-server") if program.name == "rabbitmq-script-wrapper" else program


@contextmanager
def _running_epmd() -> Iterator[int]:
    """Run the name server of Erlang in the foreground; otherwise the first node would leave a daemon behind."""
    port = free_port()
    process = subprocess.Popen(["epmd", "-port", str(port), "-address", "127.0.0.1"], stdin=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def _process(folder: Path, epmd_port: int) -> Iterator[tuple[subprocess.Popen[bytes], RabbitServer]]:
    server = RabbitServer(port=free_port(), management=free_port(), folder=folder)
    _write(folder, server)
    with (folder / "console.log").open("wb") as console:
        process = subprocess.Popen(
            [str(server_program())],
            env={**os.environ, **_environment(folder, server, epmd_port)},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            start_new_session=True,
        )
    try:
        yield process, server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the shell that watches it, and itself; its files are thrown away
        process.wait()


def _write(folder: Path, server: RabbitServer) -> None:
    text = _CONFIGURATION.format(port=server.port, management=server.management)
    (folder / "rabbitmq.conf").write_text(text)
    (folder / "advanced.config").write_text(_ADVANCED)
    (folder / "plugins").write_text("[rabbitmq_management].\n")


def _environment(folder: Path, server: RabbitServer, epmd_port: int) -> dict[str, str]:
    return {
        "HOME": str(folder),  # the cookie lies there
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_NODENAME": f"tests-{server.port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(server.port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": str(folder / "rabbit.log"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none",
    }


def _answers(process: subprocess.Popen[bytes], server: RabbitServer) -> bool:
    """Wait until the server answers; false when it ended instead."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError, HTTPException):
            server.ask("GET", "whoami")
            return True
        time.sleep(0.1)
    return False
