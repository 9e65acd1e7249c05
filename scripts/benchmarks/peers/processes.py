"""Processes that a benchmark starts: a group of their own, that is held, looked at and ended as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from peers.catalog import PeerError

_TICKS = os.sysconf("SC_CLK_TCK")


class Group:
    """Some processes and whatever they have started."""

    def __init__(self, started: list[subprocess.Popen[str]]) -> None:
        self.started = started
        self.id = started[0].pid

    def hold(self) -> None:
        """Let them stand still."""
        os.killpg(self.id, signal.SIGSTOP)
        deadline = time.monotonic() + 10
        while any(state not in "TZX" for _, state, _ in self._members()):
            if time.monotonic() > deadline:
                raise PeerError("a worker does not stand still")
            time.sleep(0.005)

    def release(self) -> None:
        """Let them go on."""
        os.killpg(self.id, signal.SIGCONT)

    def check(self) -> None:
        """Raise PeerError if one of them has ended."""
        for process in self.started:
            if process.poll() is not None:
                raise PeerError(f"its worker ended with {process.returncode}")

    def memory(self) -> int:
        """Return the bytes that they have in memory, what they share counted once."""
        return sum(_proportional(pid) for pid, _, _ in self._members())

    def seconds(self) -> float:
        """Return the CPU time that they have had."""
        return sum(ticks for _, _, ticks in self._members()) / _TICKS

    def waits(self) -> bool:
        """Tell whether none of them uses a CPU now, or would if it got one."""
        return all(state not in "RD" for _, state, _ in self._members())

    def _members(self) -> Iterator[tuple[int, str, int]]:
        """Yield process, state, and CPU time in ticks."""
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.id:
                    yield int(folder.name), fields[0], int(fields[11]) + int(fields[12])


def _proportional(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def running(
    command: list[str], environment: dict[str, str], copies: int, log: IO[str], **pipes: Any
) -> Iterator[Group]:
    """Run a command, once or more often, until the block ends; then nothing of the group is left."""
    started: list[subprocess.Popen[str]] = []
    try:
        for _ in range(copies):
            started.append(
                subprocess.Popen(  # noqa: S603
                    command,
                    env=environment,
                    text=True,
                    process_group=started[0].pid if started else 0,
                    **{"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **pipes},
                )
            )
        yield Group(started)
    finally:
        if started:
            with suppress(ProcessLookupError):
                os.killpg(started[0].pid, signal.SIGKILL)
        for process in started:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
