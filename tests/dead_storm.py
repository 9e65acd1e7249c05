"""A storm: jobs die of three bugs, one is fixed, all are replayed by a process that is killed again and again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acceptance.diary import read
from acceptance.workers import PLATFORM, TESTS, Worker, running_worker
from tasks_platform import Settings
from tasks_platform.celery import PlatformApp
from waiting import wait_for

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

#: A user's module with three bugs. Each job writes down that it runs before it dies of one.
BUGGY = """
from pathlib import Path

from acceptance.diary import note
from tasks_platform import ReliableTask, Retry, task

ONCE = Retry(max_attempts=1)
RATES = {"EUR": 1}


@task(ONCE, base=ReliableTask, queue="storm")
def bill(number: int, diary: Path) -> float:
    note(diary, f"bill:{number}")
    return 100 / (number - number)


@task(ONCE, base=ReliableTask, queue="storm")
def convert(number: int, diary: Path) -> int:
    note(diary, f"convert:{number}")
    return RATES["USD"] * number


@task(ONCE, base=ReliableTask, queue="storm")
def label(number: int, diary: Path) -> str:
    note(diary, f"label:{number}")
    return "parcel " + number
"""
BUG, FIX = "(number - number)", "(number + 1)"
TASKS = ("bill", "convert", "label")
COMMAND = (sys.executable, "-c", "from tasks_platform.cli import main; main()")


@dataclass(frozen=True, kw_only=True)
class Storm:
    """A folder with the buggy module, a diary, and a server."""

    folder: Path
    url: str

    @property
    def diary(self) -> Path:
        """What the jobs write down."""
        return self.folder / "diary"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of workers and commands."""
        return {
            "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS), str(self.folder)]),
            "PYTHONDONTWRITEBYTECODE": "1",  # a module that is changed within a second is read again
            "TASKS_REDIS_URL": self.url,
            "TASKS_MODULES": "storm_tasks",
            "TASKS_BUSINESS": "false",
            "TASKS_LETTERS__KEEP_MOST": "0",
        }

    def deploy(self, code: str) -> None:
        """Write the module."""
        (self.folder / "storm_tasks.py").write_text(code)

    def app(self) -> PlatformApp:
        """Return an application that sends the jobs by the names of their tasks."""
        settings = Settings(redis_url=self.url, business=False)  # type: ignore[arg-type]
        return PlatformApp("storm", settings=settings, set_as_current=False)

    def worker(self, name: str) -> AbstractContextManager[Worker]:
        """Run a worker with the module as it is now."""
        log = self.folder / f"{name}.log"
        return running_worker(PLATFORM, self.url, log, "-Q", "storm", environment=self.environment)

    def command(self, *words: str) -> Any:
        """Run a command to its end and return the JSON that it printed."""
        process = self.start(*words)
        output, errors = process.communicate(timeout=600)
        assert process.returncode in {0, 1}, errors
        return json.loads(output)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command."""
        environment = {**os.environ, **self.environment}
        pipe = subprocess.PIPE
        return subprocess.Popen(
            (*COMMAND, *words, "--json"), env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )

    def runs(self) -> Counter[str]:
        """Count the runs of each job."""
        return Counter(read(self.diary))

    def bury(self, jobs: int) -> None:
        """Let so many jobs of each task die."""
        app = self.app()
        for number in range(jobs):
            for name in TASKS:
                app.send_task(f"storm_tasks.{name}", (number, str(self.diary)), queue="storm")
        wait_for(lambda: app.store.count_letters() == jobs * len(TASKS), 600, "all letters")
        app.store.client.close()
        app.close()

    def replay(self, *, kills: int, rate: int, jobs: int, chance: random.Random) -> tuple[Any, int]:
        """Replay everything; kill the process so many times on its way. Return what it said, and the kills."""
        killed = 0
        words = ("letters", "replay", "--all", "--yes", "--rate", str(rate))
        before = self.runs().total()
        # where on the way each kill strikes; the first as soon as something was sent
        marks = [before + 1, *sorted(before + chance.randrange(2, jobs) for _ in range(kills - 1))]
        for mark in marks[:kills]:
            process = self.start(*words)
            wait_for(lambda mark=mark, process=process: self.runs().total() >= mark or process.poll() is not None, 120)
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
        return self.command(*words), killed
