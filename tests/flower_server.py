"""Run Flower as a person does, and ask it over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from redis_server import free_port
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD, TOKEN = "admin", "correct:horse-ü", "read-the-metrics"
PROGRAM = (sys.executable, "-c", "from tasks_platform.cli import main; main()", "flower")
#: Seconds until Flower answers, and until it has ended.
PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class FlowerServer:
    """A running Flower."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    client: httpx2.Client

    @property
    def url(self) -> str:
        """The address of its first page."""
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text(errors="replace")

    def ask(self, path: str, *, method: str = "GET", **options: object) -> httpx2.Response:
        """Ask for a page without a login."""
        return self.client.request(method, f"{self.url}{path}", timeout=PATIENCE, **options)  # type: ignore[arg-type]

    def open(self, path: str, user: str = USER, password: str = PASSWORD) -> httpx2.Response:
        """Ask for a page with a login."""
        return self.ask(path, auth=(user, password))

    def jobs(self) -> dict[str, dict[str, object]]:
        """Return the jobs it knows, by their ids."""
        found: dict[str, dict[str, object]] = self.open("/api/tasks").raise_for_status().json()
        return found


@contextmanager
def running_flower(
    state: Path, redis_url: str, log: Path, *options: str, program: tuple[str, ...] = PROGRAM, **variables: str
) -> Iterator[FlowerServer]:
    """Run Flower until the block ends; *options* are the command line's."""
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(["tests", "."]),
        "TASKS_REDIS_URL": redis_url,
        "TASKS_STATE_DIR": str(state),
        "TASKS_BUSINESS": "false",
        "TASKS_FLOWER__METRICS_TOKEN": TOKEN,
        "TASKS_FLOWER__PASSWORD": PASSWORD,
        "TASKS_FLOWER__PORT": str(port),
        **variables,
    }
    with log.open("ab") as output:
        process = subprocess.Popen([*program, *options], env=environment, stdout=output, stderr=output)
    try:
        with httpx2.Client(trust_env=False) as client:
            server = FlowerServer(process=process, port=port, log=log, client=client)
            wait_for(lambda: process.poll() is not None or _answers(server), PATIENCE, "Flower")
            assert process.poll() is None, f"Flower ended with {process.returncode}:\n{server.said()}"
            yield server
    finally:
        process.kill()
        process.wait(PATIENCE)


def _answers(server: FlowerServer) -> bool:
    with suppress(httpx2.TransportError):
        return server.ask("/healthcheck").status_code == httpx2.codes.UNAUTHORIZED
    return False
