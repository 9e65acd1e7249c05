"""Start real beats in processes of their own, and end them by their process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TESTS = Path(__file__).parents[1]


def start_beat(url: str, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a beat of the platform on the server at *url*."""
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        "TASKS_REDIS_URL": url,
        "TASKS_BUSINESS": "false",
        **environment,
    }
    command = [sys.executable, "-m", "celery", "-A", "tasks_platform", "beat", "--loglevel", "INFO"]
    with log.open("ab") as output:
        return subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


@contextmanager
def running_beat(url: str, log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a beat until the block ends."""
    process = start_beat(url, log, environment)
    try:
        yield process
    finally:
        kill_beat(process)


def kill_beat(process: subprocess.Popen[bytes]) -> None:
    """End a beat at once, without a word."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
