"""What is measured in a session; every figure has a name, and as many values as there were rounds."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis

from peers.catalog import PeerError
from peers.line import Line
from peers.session import How, Job, Session

Values = dict[str, list[float]]
#: Seconds that a nap takes.
NAP: Final = 0.05
#: Seconds in which a worker acknowledges what it has run.
_AFTER: Final = 0.3
#: Seconds that a worker may take to be idle after very many jobs were sent.
_IDLE: Final = 300.0


def idle(session: Session, count: int) -> Values:
    """Send single jobs to a worker with nothing to do; ms from before sending to the first line of the job."""
    found = []
    for _ in range(count):
        time.sleep(random.uniform(0.01, 0.04))  # noqa: S311 - at any moment of its waiting
        before = session.count()
        sent = session.send("one", "nothing", 1)
        session.until(before + 1, pause=0.0005)
        found.append((session.begun()[-1].moment - sent.begun) / 1e6)
    return {"latency": found}


@dataclass(frozen=True, kw_only=True)
class Block:
    """What sending some jobs and running them took."""

    #: Jobs per second.
    sent: float
    run: float
    #: CPU time of the worker in microseconds per job: other programs on the machine matter less to it.
    cpu: float


def block(session: Session, how: How, job: Job, count: int) -> Block:
    """Send so many jobs while the worker stands still, then let it run them."""
    time.sleep(_AFTER)
    session.worker.hold()
    before, spent = session.count(), session.worker.seconds()
    sent = session.send(how, job, count)
    session.worker.release()
    session.until(before + count)
    begun = session.begun()[before:]
    time.sleep(_AFTER)
    return Block(
        sent=count / (sent.ended - sent.begun) * 1e9,
        run=(len(begun) - 1) / (begun[-1].moment - begun[0].moment) * 1e9,
        cpu=(session.worker.seconds() - spent) / count * 1e6,
    )


def naps(session: Session, count: int) -> Values:
    """Let it run jobs that sleep; seconds from the beginning of the first to the end of the last."""
    time.sleep(_AFTER)
    session.worker.hold()
    before = session.count()
    session.send("many", "nap", count)
    session.worker.release()
    session.until(before + count)
    ended = session.begun()[before:]
    return {"sleeps": [(ended[-1].moment - ended[0].moment) / 1e9 + NAP]}


def later(session: Session, client: Redis, count: int) -> Values:
    """Send jobs that are due in an hour; MB by which server and worker have grown."""
    time.sleep(_AFTER)
    server, worker = _used(client), session.worker.memory()
    session.send("later", "nothing", count)
    _until_idle(session)
    return {
        "delayed, server": [(_used(client) - server) / 1e6],
        "delayed, worker": [(session.worker.memory() - worker) / 1e6],
    }


def counts(session: Session, client: Redis, sending: Line, working: Line, count: int) -> Values:
    """Count commands, those of scripts too, and round trips: per job that is sent, and per job that is run."""
    found: Values = {}
    kinds: tuple[tuple[str, Job], ...] = (("run", "nothing"), ("run and stored", "answer"))
    for kind, job in kinds:
        time.sleep(_AFTER)
        session.worker.hold()
        before, calls, trips = session.count(), _calls(client), sending.trips
        session.send("one", job, count)
        if kind == "run":
            found["sent: commands"] = [(_calls(client) - calls) / count]
            found["sent: round trips"] = [(sending.trips - trips) / count]
        calls, trips = _calls(client), working.trips
        session.worker.release()
        session.until(before + count)
        time.sleep(_AFTER)
        found[f"{kind}: commands"] = [(_calls(client) - calls) / count]
        found[f"{kind}: round trips"] = [(working.trips - trips) / count]
    return found


def _used(client: Redis) -> int:
    info: Any = client.info("memory")
    return int(info["used_memory"])


def _calls(client: Redis) -> int:
    stats: Any = client.info("commandstats")
    return sum(int(row["calls"]) for name, row in stats.items() if name != "cmdstat_info")


def _until_idle(session: Session) -> None:
    """Wait until the worker has hardly used the CPU for a second, and did not want to: it has taken what it takes."""
    deadline = time.monotonic() + _IDLE
    while time.monotonic() < deadline:
        seconds, waits = session.worker.seconds(), []
        for _ in range(10):
            time.sleep(0.1)
            waits.append(session.worker.waits())
        if session.worker.seconds() - seconds < 0.1 and sum(waits) > 8:  # noqa: PLR2004 - a tenth of the second
            return
    raise PeerError(f"its worker was still at work {_IDLE:.0f} s after it was sent what is due in an hour")
