"""Start real workers in processes of their own, wait until they are ready, and end them by their process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PLATFORM = "tasks_platform"
PLAIN = "acceptance.plain"
TESTS = Path(__file__).parents[1]
#: Seconds a worker may take to get ready, and to end when it is told to.
PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A running worker and what it said."""

    process: subprocess.Popen[bytes]
    log: Path
    #: The folder in which faults are armed; see `acceptance.faults`.
    faults: Path

    def said(self, text: str) -> bool:
        """Tell whether *text* is in the log."""
        return text in self.log.read_text(errors="replace")

    def told(self, moment: str, job_id: str) -> int:
        """Return how often it was told that a job is *moment*: started, completed, held and so on."""
        lines = self.log.read_text(errors="replace").splitlines()
        return sum(f'"event": "{moment}"' in line and f'"job_id": "{job_id}"' in line for line in lines)

    def arm(self, fault: str) -> None:
        """Let *fault* strike in this worker."""
        (self.faults / fault).touch()

    def disarm(self, fault: str) -> None:
        """Mend *fault*."""
        (self.faults / fault).unlink(missing_ok=True)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the main process."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code once the worker has ended."""
        return self.process.wait(PATIENCE)


@contextmanager
def running_worker(  # noqa: PLR0913 - what a person would say on the command line
    app: str,
    url: str,
    log: Path,
    *options: str,
    pool: str = "prefork",
    concurrency: int = 2,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = (),
    sociable: bool = False,
) -> Iterator[Worker]:
    """Run a worker of *app* on the server at *url* until the block ends; *options* are the command line's.

    Another *program* than Celery's worker says itself what it is called and how much it does at a time. A *sociable*
    one asks the others at its start what it has missed, which takes a second.
    """
    command = [*program] or [sys.executable, "-m", "celery", "-A", app, "worker"]
    if not program:
        command += ["--hostname", f"{log.stem}@%h", "--pool", pool, "--concurrency", str(concurrency)]
    command += ["--loglevel", "INFO"]
    command += [] if sociable else ["--without-mingle", "--without-gossip"]
    command += options
    faults = log.with_suffix(".faults")
    faults.mkdir(exist_ok=True)
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
        "TASKS_REDIS_URL": url,
        "TASKS_MODULES": "acceptance.shop,acceptance.accidents",
        "TASKS_BUSINESS": "false",
        "PLAIN_URL": url,
        "FAULTS": str(faults),
        **(environment or {}),
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    worker = Worker(process=process, log=log, faults=faults)
    try:
        wait_for(lambda: process.poll() is not None or worker.said(" ready."), PATIENCE, f"worker {log.stem}")
        assert worker.said(" ready."), f"worker {log.stem} ended with {process.returncode}:\n{log.read_text()}"
        yield worker
    finally:
        _end(process)


@contextmanager
def running_class(
    name: str, url: str, log: Path, environment: Mapping[str, str] | None = None, *, sociable: bool = False
) -> Iterator[Worker]:
    """Run a worker of the class *name* as a person does."""
    program = [str(Path(sys.executable).with_name("tasks-platform")), "worker", name]
    with running_worker("", url, log, program=program, environment=environment, sociable=sociable) as worker:
        yield worker


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a worker and whatever it left behind, at once: how workers end well is the matter of tests."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
