"""The one server that all participants get: loopback only, without a password, and nothing of it is kept."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from redis import Redis, RedisError

from peers.processes import running
from tasks_platform.embedded.binary import find_binary
from tasks_platform.embedded.ports import PORTS, is_free

#: Seconds in which it has to answer.
_PATIENCE: Final = 10.0


@contextmanager
def running_server(folder: Path) -> Iterator[tuple[int, str]]:
    """Run a server until the block ends; yield its port, and its name and version.

    It is the system's Redis, as most installations have one; without it, the one that the platform carries.
    """
    port = next(port for port in iter(lambda: secrets.choice(PORTS), None) if is_free(port))
    program = shutil.which("redis-server") or str(find_binary())
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "server.log").open("w") as log, running([*command, "--dir", str(folder)], {}, 1, log) as server:
        deadline = time.monotonic() + _PATIENCE
        with Redis(port=port) as client:
            while True:
                try:
                    info: Any = client.info("server")
                    break
                except RedisError:
                    server.check()
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)
        yield port, f"{info.get('server_name', 'redis')} {info.get('valkey_version') or info['redis_version']}"
