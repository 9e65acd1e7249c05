"""Pausing: nothing is taken from a queue until somebody resumes it; what runs goes on, and what is sent waits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tasks_platform.broker.leased.storing import StoringChannel

#: For how long the signal of a resumed queue lies, in ms: the queue may be nobody's any more.
_SIGNAL_MS: Final = 60_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Who has paused a queue, when (on the server's clock), and why."""

    queue: str
    by: str
    why: str
    since: datetime

    def write(self) -> str:
        """Return it as it is stored."""
        return json.dumps({"by": self.by, "why": self.why, "since": self.since.timestamp()})

    @classmethod
    def read(cls, queue: str, stored: bytes) -> Pause:
        """Return what is *stored* of the pause of *queue*; what others have written there pauses it, too."""
        try:
            told = json.loads(stored)
            since = datetime.fromtimestamp(float(told["since"]), UTC)
            return cls(queue=queue, by=str(told["by"]), why=str(told["why"]), since=since)
        except (ValueError, TypeError, KeyError, OverflowError, OSError):
            return cls(queue=queue, by="", why=stored.decode(errors="replace"), since=datetime.fromtimestamp(0, UTC))


def pause(channel: StoringChannel, queue: str, *, by: str, why: str) -> Pause:
    """Let no worker take anything from *queue* from now on; return the pause, an earlier one if there is one.

    What workers have taken before is begun. It lasts until somebody resumes it, also when all workers and the server
    are started again.
    """
    server, key = channel.server, channel.names.paused
    seconds, micros = _pair(server.time())
    said = Pause(queue=queue, by=by, why=why, since=datetime.fromtimestamp(seconds + micros / 1e6, UTC))
    with server.pipeline() as pipe:
        pipe.hsetnx(key, queue, said.write())
        pipe.hget(key, queue)
        _, stored = pipe.execute()
    return Pause.read(queue, stored)


def resume(channel: StoringChannel, queue: str) -> Pause | None:
    """Let workers take from *queue* again, at once; return the pause that has ended, None if there was none."""
    names = channel.names
    with channel.server.pipeline() as pipe:
        pipe.hget(names.paused, queue)
        pipe.hdel(names.paused, queue)
        for step in channel.all_steps:
            pipe.zadd(names.wake(queue, step), {"look": 0})
            pipe.pexpire(names.wake(queue, step), _SIGNAL_MS)
        stored, *_ = pipe.execute()
    return None if stored is None else Pause.read(queue, stored)


def paused(channel: StoringChannel) -> dict[str, Pause]:
    """Return the pauses of all queues that are paused, by queue."""
    found: Any = channel.server.hgetall(channel.names.paused)
    named = {queue.decode(errors="replace"): stored for queue, stored in found.items()}
    return {queue: Pause.read(queue, stored) for queue, stored in sorted(named.items())}


def _pair(told: Any) -> tuple[int, int]:
    seconds, micros = told
    return int(seconds), int(micros)
