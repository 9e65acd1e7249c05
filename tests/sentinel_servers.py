"""A real master with replicas, watched by sentinels: on loopback, without a trace afterwards."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from redis_server import PATIENCE, free_port, running_redis, server_binary
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from redis_server import RedisServer

NAME: Final = "mymaster"
#: Replicas copy at once.
_COPIES: Final = ("--repl-diskless-sync-delay", "0")

#: When something was, in a line of a log.
_AT: Final = re.compile(r"\d+ \w{3} \d{4} [\d:.]+")


@dataclass(kw_only=True)
class Deployment:
    """A master, its replicas, and the sentinels; which of the servers is the master changes."""

    folder: Path
    sentinels: tuple[int, ...]
    options: Sequence[str] = ()
    program: str
    servers: dict[int, RedisServer] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self) -> str:
        """The address of database 0 of whichever server is the master."""
        parts = ";".join(f"sentinel://127.0.0.1:{port}" for port in self.sentinels)
        return f"{parts}/0?master_name={NAME}"

    @property
    def master(self) -> int:
        """The port at which most sentinels see the master now."""
        seen = [port for port in map(_master_seen_by, self.sentinels) if port is not None]
        return max(set(seen), key=seen.count)

    def client(self, port: int | None = None, **options: Any) -> redis.Redis:
        """Return a client of the server at *port*, of the master without it, that gives up at once."""
        at_once: dict[str, Any] = {"socket_timeout": 2.0, "retry": Retry(NoBackoff(), retries=0), **options}
        return redis.Redis(port=port or self.master, **at_once)

    def kill(self) -> int:
        """Kill the master; return its port."""
        port = self.master
        os.kill(self.servers[port].pid, signal.SIGKILL)
        return port

    def freeze(self) -> int:
        """Let the master stand still, as a machine that is gone without a word; return its port."""
        port = self.master
        os.kill(self.servers[port].pid, signal.SIGSTOP)
        return port

    def fail_over(self) -> int:
        """Ask a sentinel to make another server the master while this one works; return its port."""
        port = self.master
        with redis.Redis(port=self.sentinels[0]) as sentinel:
            sentinel.execute_command("SENTINEL", "FAILOVER", NAME)
        return port

    def plan(self) -> int:
        """Do the same without a loss: let the master take no writes meanwhile; return its port."""
        with self.client() as client:
            client.client_pause(10_000, all=False)
        return self.fail_over()

    def switched(self) -> list[float]:
        """Return when the sentinels named another master, in seconds since 1970: on a busy machine also unasked."""
        lines = [line for log in self.folder.glob("sentinel-*.log") for line in log.read_text().splitlines()]
        at = [_AT.search(line) for line in lines if "+switch-master" in line]
        return sorted(datetime.strptime(it[0], "%d %b %Y %H:%M:%S.%f").astimezone().timestamp() for it in at if it)

    def start(self, port: int, *, of: int | None = None) -> None:
        """Start a server; one that was killed comes back as it was, and the sentinels make it a replica."""
        replica = () if of is None else ("--replicaof", "127.0.0.1", str(of))
        folder = self.folder / f"server-{port}"
        folder.mkdir(exist_ok=True)
        self.servers[port] = self._stack.enter_context(
            running_redis(folder, *_COPIES, *replica, *self.options, port=port, program=self.program)
        )

    def wake(self, port: int) -> None:
        """Let a server that stands still go on."""
        os.kill(self.servers[port].pid, signal.SIGCONT)

    def is_whole(self) -> bool:
        """Tell whether all sentinels see the same master, and it has all the others as its replicas."""
        with suppress(redis.RedisError, ValueError):
            if len({_master_seen_by(port) for port in self.sentinels}) > 1:
                return False
            with self.client() as client:
                told: Any = client.info("replication")
            replicas = [it for name, it in told.items() if name.startswith("slave") and it["state"] == "online"]
            return bool(told["role"] == "master" and len(replicas) == len(self.servers) - 1)
        return False


@contextmanager
def running_sentinels(
    folder: Path,
    *options: str,
    replicas: int = 2,
    sentinels: int = 3,
    down_after: float = 1.0,
    program: str | None = None,
) -> Iterator[Deployment]:
    """Run a master with *replicas* and *sentinels* that take it for dead after *down_after* seconds of silence.

    *options* are of the command line of all servers.
    """
    program = program or server_binary()
    ports = tuple(free_port() for _ in range(sentinels))
    there = Deployment(folder=folder, sentinels=ports, options=options, program=program)
    with there._stack:
        master = free_port()
        there.start(master)
        for _ in range(replicas):
            there.start(free_port(), of=master)
        for port in ports:
            there._stack.enter_context(
                running_sentinel(folder, program, master, port=port, down_after=down_after, quorum=sentinels // 2 + 1)
            )
        wait_for(lambda: all(_knows(port, replicas, sentinels - 1) for port in ports), PATIENCE, "the sentinels")
        wait_for(there.is_whole, PATIENCE, "the replicas")
        yield there


@contextmanager
def running_sentinel(  # noqa: PLR0913 - what stands in its configuration
    folder: Path,
    program: str,
    master: int,
    *lines: str,
    port: int | None = None,
    down_after: float = 1.0,
    quorum: int = 1,
) -> Iterator[int]:
    """Run a sentinel that watches the server at the port *master*; return its port.

    *lines* are more of its configuration.
    """
    port = port or free_port()
    file = folder / f"sentinel-{port}.conf"
    text = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        f"logfile {folder / f'sentinel-{port}.log'}",
        f"sentinel monitor {NAME} 127.0.0.1 {master} {quorum}",
        f"sentinel down-after-milliseconds {NAME} {round(down_after * 1000)}",
        f"sentinel failover-timeout {NAME} 3000",
        f"sentinel parallel-syncs {NAME} 2",
        *lines,
    ]
    file.write_text("\n".join(text) + "\n")
    process = subprocess.Popen([program, str(file), "--sentinel"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port), PATIENCE, "a sentinel")
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
        return True
    return False


def _master_seen_by(sentinel: int) -> int | None:
    with redis.Redis(port=sentinel, retry=Retry(NoBackoff(), retries=0)) as client:
        found: Any = client.sentinel_get_master_addr_by_name(NAME)
    return None if found is None else int(found[1])


def _knows(sentinel: int, replicas: int, others: int) -> bool:
    with suppress(redis.RedisError), redis.Redis(port=sentinel, retry=Retry(NoBackoff(), retries=0)) as client:
        state: Any = client.sentinel_master(NAME)
        return bool(state["num-slaves"] == replicas and state["num-other-sentinels"] == others)
    return False
