"""An embedded server as tests see it: its state folder, its processes, a patient client (Linux)."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tasks_platform import embedded
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def own_state_dir(tmp_path: Path) -> Iterator[Path]:
    """Return a state folder; what still runs there at the end of the block is killed."""
    folder = tmp_path / "state"
    try:
        yield folder
    finally:
        for pid in processes_in(folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not processes_in(folder))


def client_of(server: embedded.EmbeddedServer) -> redis.Redis:
    """Return a client that goes on trying for ten seconds, as a worker would."""
    return redis.Redis.from_url(server.url, retry=Retry(ConstantBackoff(0.05), retries=200))


def server_pid(state_dir: Path) -> int | None:
    """Return the process id of the server that answers; None when none does."""
    return embedded.status(state_dir).pid


def supervisor_pid(state_dir: Path) -> int | None:
    """Return the process id of the supervisor; None when there is none."""
    return embedded.status(state_dir).supervisor


def processes_in(state_dir: Path) -> set[int]:
    """Return every supervisor (it works in its folder) and server (in its data folder), as the system sees them."""
    root = (state_dir / "embedded").resolve()
    return {pid for pid, folder in _working_folders() if root in (folder, folder.parent)}


def servers_in(state_dir: Path) -> set[int]:
    """Return the process ids of the servers alone."""
    return {pid for pid, folder in _working_folders() if folder == (state_dir / "embedded" / "data").resolve()}


def _working_folders() -> list[tuple[int, Path]]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is somebody else's
            found.append((int(process.name), (process / "cwd").readlink()))
    return found
