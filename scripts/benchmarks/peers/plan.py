"""What is done with a participant in a round, and what once: pieces that can fail, and be counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from redis import Redis

from peers import measures
from peers.catalog import Participant
from peers.line import counting_line
from peers.measures import Block, Values
from peers.session import How, Job, Session, session

#: Naps that a process runs at a time.
_NAPPING: Final = 200
#: A block of a fast participant has at most so many times as many jobs as one of a slow one.
_LARGEST: Final = 10


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured; 0 leaves it out."""

    #: Jobs of a block at least, and how many seconds a block should take.
    jobs: int
    seconds: float
    processes: tuple[int, ...]
    latencies: int
    sleeps: int
    delayed: int
    counted: int

    def block(self, rate: float) -> int:
        """Return how many jobs a block has that are run at this rate."""
        return min(max(self.jobs, round(rate * self.seconds)), self.jobs * _LARGEST)


class Bench:
    """One server, and what is measured on it."""

    def __init__(self, port: int, sizes: Sizes) -> None:
        self._port, self._url, self.sizes = port, _url(port), sizes
        self._client = Redis(port=port)
        self._rates: dict[tuple[str, Job], float] = {}

    def close(self) -> None:
        """Let go of the server."""
        self._client.close()

    def round(self, participant: Participant) -> Iterator[Values]:
        """Measure what is measured in every round, a piece at a time."""
        for processes in self.sizes.processes:
            yield self._rates_of(participant, processes)
        if self.sizes.sleeps:
            yield self._sleeps(participant)

    def once(self, participant: Participant) -> Iterator[Values]:
        """Measure what does not depend on the moment."""
        if self.sizes.counted:
            yield self._counts(participant)
        if self.sizes.delayed:
            yield self._delayed(participant)

    def pieces(self) -> tuple[int, int]:
        """Return how many pieces there are in a round, and once."""
        sizes = self.sizes
        return len(sizes.processes) + bool(sizes.sleeps), bool(sizes.counted) + bool(sizes.delayed)

    def _rates_of(self, participant: Participant, processes: int) -> Values:
        self._client.flushall()
        found: Values = {}
        with session(participant, self._url, self._url, processes) as running:
            first = processes == min(self.sizes.processes)
            if first:
                found |= measures.idle(running, self.sizes.latencies)
            done = self._block(running, participant, "one" if first else "many", "nothing")
            found[f"consume {processes}"] = [done.run]
            if first:
                found |= {"enqueue": [done.sent], "cpu": [done.cpu]}
            elif participant.bulk:
                found["bulk"] = [done.sent]
            found[f"stored {processes}"] = [self._block(running, participant, "many", "answer").run]
        return found

    def _block(self, running: Session, participant: Participant, how: How, job: Job) -> Block:
        """Measure a block, whose size the last one of its kind has told."""
        kind = (participant.name, job)
        done = measures.block(running, how, job, self.sizes.block(self._rates.get(kind, 0)))
        self._rates[kind] = done.run
        return done

    def _sleeps(self, participant: Participant) -> Values:
        if not participant.naps:
            return {}
        self._client.flushall()
        with session(participant, self._url, self._url, slots=_NAPPING) as running:
            return measures.naps(running, self.sizes.sleeps)

    def _delayed(self, participant: Participant) -> Values:
        if not participant.later:
            return {}
        self._client.flushall()
        with session(participant, self._url, self._url) as running:
            return measures.later(running, self._client, self.sizes.delayed)

    def _counts(self, participant: Participant) -> Values:
        self._client.flushall()
        with (
            counting_line(self._port) as sending,
            counting_line(self._port) as working,
            session(participant, _url(sending.port), _url(working.port)) as running,
        ):
            return measures.counts(running, self._client, sending, working, self.sizes.counted)


def _url(port: int) -> str:
    return f"redis://127.0.0.1:{port}/0"
