"""The main job as a person starts it, and what can be killed while it runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tasks_platform import embedded, flows
from tasks_platform.celery import create_app
from tasks_platform.errors import FlowError
from tasks_platform.flows import Flow
from tasks_platform.services import sample
from tasks_platform.settings import Settings
from waiting import wait_for

FLOW = f"invoicing:{sample.SLUG}:{sample.MONTH}"
PROGRAM = (sys.executable, "-c", "from tasks_platform.cli import main; main()")


class MonthRun:
    """``tasks-platform run`` with a state folder of its own."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.environment = {**os.environ, "TASKS_STATE_DIR": str(state), "TASKS_EMBEDDED": "1"}

    def command(self, *words: str, deadline: float = 120.0) -> str:
        """Run a command of the platform to its end and return what it printed."""
        done = subprocess.run(
            (*PROGRAM, *words), env=self.environment, capture_output=True, text=True, timeout=deadline, check=False
        )
        assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def in_the_background(self) -> Iterator[subprocess.Popen[str]]:
        """Start the run and yield its process; whatever is left of it in the end is ended."""
        log = self.state.parent / f"{self.state.name}.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                (*PROGRAM, "run", "--json"), env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(30)

    def outcome(self, process: subprocess.Popen[str], deadline: float = 180.0) -> dict[str, Any]:
        """Wait for a run that was started in the background and return what it said."""
        output, _ = process.communicate(timeout=deadline)
        log = (self.state.parent / f"{self.state.name}.log").read_text()
        worker = (self.state / "logs" / "worker.log").read_text()[-6000:]
        assert process.returncode == 0, f"the run ended with {process.returncode}:\n{log}\n{worker}"
        outcome: dict[str, Any] = json.loads(output)
        return outcome

    def flow(self) -> Flow | None:
        """Return the flow as it is now, if it was started."""
        with joined(self.state) as server:
            if server is None:
                return None
            app = create_app(Settings(redis_url=server.url, business=False))
            try:
                return flows.find(app, FLOW)
            except FlowError:
                return None
            finally:
                app.close()

    def wait_for_step(self, label: str, count: int, deadline: float = 90.0) -> None:
        """Wait until so many steps of a kind have succeeded."""

        def reached() -> bool:
            flow = self.flow()
            return flow is not None and sum(s.state == "succeeded" for s in flow.by_label().get(label, [])) >= count

        wait_for(reached, deadline, f"{count} x {label!r}")

    def server(self) -> int:
        """Return the process id of the embedded server."""
        return wait_for(lambda: embedded.status(self.state).pid, 20.0, "the embedded server")

    def mailbox_server(self) -> int:
        """Return the process id of the local mail server."""
        ready = self.state / "mailbox.ready"
        return wait_for(lambda: ready.exists() and json.loads(ready.read_text())["pid"], 20.0, "the mail server")

    def worker_child(self, run: subprocess.Popen[str]) -> int:
        """Return the process id of one of the worker's pool processes."""

        def busy() -> int | None:
            workers = [pid for pid in children_of(run.pid) if "worker" in command_of(pid)]
            pool = [child for worker in workers for child in children_of(worker)]
            return pool[0] if pool else None

        return wait_for(busy, 20.0, "a pool process")


@contextmanager
def joined(state: Path) -> Iterator[embedded.EmbeddedServer | None]:
    """Use the embedded server of a state folder, if it runs."""
    server = embedded.join(state)
    try:
        yield server
    finally:
        if server is not None:
            server.close()


def kill(pid: int) -> None:
    """End a process without warning; one that ended by itself meanwhile is dead all the same."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def children_of(parent: int) -> list[int]:
    """Return the process ids of the children of *parent*."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                status = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(status[1]) == parent and status[0] != "Z":
                found.append(int(folder.name))
    return sorted(found)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def command_of(pid: int) -> str:
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
