"""A worker of a participant and a producer beside it: what is sent, and when each job was begun."""

from __future__ import annotations

import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from peers.catalog import Participant, PeerError
from peers.diary import Begun, Diary
from peers.environments import command, variables
from peers.processes import Group, running

#: How jobs are sent, and which ones.
How = Literal["one", "many", "later"]
Job = Literal["nothing", "answer", "nap"]
#: Seconds that sending a block may take, and running it; and that the first job may be on its way.
_DEADLINE: Final = 300.0
_READY: Final = 20.0
#: Seconds that both are at work before anything is measured, for compilers and caches; jobs that are sent at once.
_WARM: Final = 0.5
_BATCH: Final = 50


class Sent(NamedTuple):
    """When sending began and ended, in ns of the clock that all processes share."""

    begun: int
    ended: int


class Session:
    """A worker that is ready, and a producer."""

    def __init__(self, worker: Group, producer: Group, diary: Diary) -> None:
        self.worker = worker
        self._producer = producer.started[0]
        self._diary = diary

    def send(self, how: How, job: Job, count: int) -> Sent:
        """Have the producer send so many jobs."""
        told, answers = self._producer.stdin, self._producer.stdout
        if told is None or answers is None:
            raise TypeError("the producer has no pipes")
        try:
            told.write(f"{how} {job} {count}\n")
            told.flush()
        except BrokenPipeError:
            raise PeerError("its producer ended") from None
        if not select.select([answers], [], [], _DEADLINE)[0]:
            raise PeerError(f"sending {count} jobs took more than {_DEADLINE:.0f} s")
        line = answers.readline().split()
        if not line:
            raise PeerError("its producer ended")
        return Sent(int(line[0]), int(line[1]))

    def count(self) -> int:
        """Return how many jobs were begun."""
        return self._diary.count()

    def begun(self) -> list[Begun]:
        """Return the jobs in the order in which they were begun."""
        return self._diary.records()

    def until(self, count: int, *, pause: float = 0.01, deadline: float = _DEADLINE) -> None:
        """Wait until so many jobs were begun."""
        end = time.monotonic() + deadline
        while self.count() < count:
            self.worker.check()
            if time.monotonic() > end:
                raise PeerError(f"{self.count()} of {count} jobs were begun within {deadline:.0f} s")
            time.sleep(pause)

    def warm_up(self, processes: int, slots: int) -> None:
        """Have jobs run until each process has had one, or would have had one if it took any."""
        end = time.monotonic() + _READY
        self._run("one", "nap", 1)
        while len({one.pid for one in self.begun()}) < processes and time.monotonic() < end:
            self._run("one", "nap", 2 * processes * min(slots, 10))
        end = time.monotonic() + _WARM
        while time.monotonic() < end:
            self._run("many", "nothing", _BATCH)
            self._run("many", "answer", _BATCH)
            self._run("one", "nothing", _BATCH)

    def _run(self, how: How, job: Job, count: int) -> None:
        before = self.count()
        self.send(how, job, count)
        self.until(before + count, deadline=_READY)


@contextmanager
def session(
    participant: Participant, sending: str, working: str, processes: int = 1, slots: int | None = None
) -> Iterator[Session]:
    """Run a worker and a producer until the block ends; *sending* and *working* are where they find the server."""
    slots = slots or participant.slots
    copies = processes if participant.copies else 1
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        diary = Path(folder) / "diary"
        diary.touch()
        environment = variables(participant) | {"BENCH_DIARY": str(diary), "BENCH_SLOTS": str(slots)}
        environment["BENCH_PROCESSES"] = str(1 if participant.copies else processes)
        work, produce = environment | {"BENCH_URL": working}, environment | {"BENCH_URL": sending}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        try:
            with (
                running(command(participant, "worker"), work, copies, log) as worker,
                running(command(participant, "producer"), produce, 1, log, **pipes) as producer,
            ):
                found = Session(worker, producer, Diary(diary))
                found.warm_up(processes, slots)
                yield found
        except PeerError as error:
            log.seek(0)
            last = [line.strip() for line in log if line.strip()][-1:]
            raise PeerError(f"{error}; its last words: {last[0][:200]}" if last else str(error)) from None
