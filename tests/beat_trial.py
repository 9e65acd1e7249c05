"""Beats and a server under kills, and an account of every moment: from the diary of the runs and from the history."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

import redis

from acceptance.beats import kill_beat, start_beat
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from redis_server import running_redis
from tasks_platform.store import RedisStore
from waiting import wait_for

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from redis_server import RedisServer

LEADER = "tasks-platform:leading-beat"
#: More than any trial has.
ALL = 10_000


@dataclass(frozen=True, kw_only=True)
class Account:
    """What became of every moment between the first and the last."""

    #: Recorded as fired, and run once.
    fired: int
    #: Recorded as missed, and not run.
    missed: int
    #: Anything else, by moment: what the history says, and how often it was run.
    wrong: dict[str, tuple[str, int]]


class BeatTrial:
    """A server that keeps what it acknowledged, a worker, and beats that die."""

    def __init__(self, folder: Path, *, seconds: int, lease: float = 5.0, beats: int = 2) -> None:
        self.folder = folder
        self.diary = folder / "diary"
        self._seconds = seconds
        self._lease = lease
        self._number = beats
        self._beats: list[subprocess.Popen[bytes]] = []
        self._stack = ExitStack()
        #: Seconds from the death of a leader until another beat led.
        self.failovers: list[float] = []
        #: Seconds for which leaders that died had the lock still.
        self.left: list[float] = []

    def __enter__(self) -> Self:
        self._data = self.folder / "redis"
        self._data.mkdir()
        self._server_stack = self._stack.enter_context(ExitStack())
        self.server = self._start_server()
        self.store = RedisStore(self.server.url)
        self._stack.callback(self.store.client.close)
        log = self.folder / "worker.log"
        self._stack.enter_context(running_worker(PLATFORM, self.server.url, log, environment=self._environment))
        self._stack.callback(self._end_beats)
        for _ in range(self._number):
            self.start_beat()
        self.wait_for_beats()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "TASKS_MODULES": "acceptance.ticking",
            "TICK": str(self._seconds),
            "DIARY": str(self.diary),
            "TASKS_SCHEDULES__HISTORY": str(ALL),
            "TASKS_SCHEDULES__LEASE": str(self._lease),
        }

    def start_beat(self) -> None:
        """Start a beat."""
        log = self.folder / "beats.log"
        self._beats.append(start_beat(self.server.url, log, self._environment))

    def leader(self) -> int | None:
        """Return the process id of the beat that leads."""
        with suppress(redis.RedisError):
            if key := self.store.client.get(LEADER):
                return int(str(key).split(":")[1])
        return None

    def kill_leader(self) -> float:
        """Kill the beat that leads, start another, and return the seconds until one leads again."""
        pid = wait_for(self.leader, 30, "a leader")
        self._kill(pid)
        killed = time.monotonic()
        self.left.append(self.store.client.pttl(LEADER) / 1000)
        self.start_beat()
        wait_for(lambda: self.leader() not in {None, pid}, 30, "another leader")
        self.failovers.append(time.monotonic() - killed)
        return self.failovers[-1]

    def kill_any(self, number: int) -> None:
        """Kill some beat, whatever it does, and start another."""
        self._kill(self._beats[number % len(self._beats)].pid)
        self.start_beat()

    def restart_server(self, pause: float = 0.5) -> None:
        """Kill the server, and start it again on what it kept after *pause* seconds."""
        os.kill(self.server.pid, signal.SIGKILL)
        self._server_stack.close()
        time.sleep(pause)
        self.server = self._start_server(self.server.port)

    def wait_for_firing(self) -> None:
        """Wait until one more moment has been fired."""
        fired = self._fired()
        wait_for(lambda: self._fired() > fired, 30, "a moment to be fired")

    def wait_for_beats(self) -> None:
        """Wait until all beats that were started are alive."""
        pids = {beat.pid for beat in self._beats}
        wait_for(lambda: {record["pid"] for record in self.store.beats()} >= pids, 60, "the beats")

    def account(self) -> Account:
        """Stop the beats, wait until every job that was sent has run, and count."""
        self.wait_for_beats()
        for beat in self._beats:
            beat.terminate()
        for beat in self._beats:
            assert beat.wait(30) == 0
        history = {record["moment"]: record["state"] for record in self.store.firings("tick", ALL)}
        fired = {moment for moment, state in history.items() if state == "fired"}
        wait_for(lambda: fired <= set(read(self.diary)), 60, "every job to run")
        runs = Counter(read(self.diary))
        moment, last = (datetime.fromisoformat(edge(history | runs)) for edge in (min, max))
        outcomes: dict[str, tuple[str, int]] = {}
        while moment <= last:
            name = moment.isoformat().replace("+00:00", "Z")
            outcomes[name] = (history.get(name, "not recorded"), runs[name])
            moment += timedelta(seconds=self._seconds)
        counts = Counter(outcomes.values())
        good = {("fired", 1), ("missed", 0)}
        return Account(
            fired=counts["fired", 1],
            missed=counts["missed", 0],
            wrong={name: outcome for name, outcome in outcomes.items() if outcome not in good},
        )

    def _fired(self) -> int:
        return self.store.count_firings("tick").get("fired", 0)

    def _start_server(self, port: int | None = None) -> RedisServer:
        options = ("--appendonly", "yes", "--appendfsync", "always")
        return self._server_stack.enter_context(running_redis(self._data, *options, port=port))

    def _kill(self, pid: int) -> None:
        (beat,) = [beat for beat in self._beats if beat.pid == pid]
        kill_beat(beat)
        self._beats.remove(beat)

    def _end_beats(self) -> None:
        for beat in self._beats:
            kill_beat(beat)
