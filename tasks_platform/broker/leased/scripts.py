"""Scripts: what is one step at the server, as functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import redis

from tasks_platform.broker.leased.names import Names

if TYPE_CHECKING:
    from tasks_platform.broker.leased.asking import Asked

#: Where a message is put: to the end of its list that is taken from first, to the other end, away, nowhere, or among
#: those that are not due yet; then it is a time in ms since 1970.
Where = Literal["head", "tail", "graveyard", "nowhere"] | int


class Move(NamedTuple):
    """One message that leaves a worker's claims."""

    number: int
    where: Where
    list: bytes
    message: bytes


class Tended(NamedTuple):
    """What a look at the leases has shown; times are in ms since 1970, on the server's clock."""

    now: int
    #: Whether the worker's own lease had not ended.
    kept: bool
    #: When the next lease ends; 0 if there is none.
    next_end: int
    #: The claims that are recorded for the worker.
    numbers: frozenset[int]
    #: Workers whose leases have ended.
    dead: tuple[str, ...]


@cache
def text_of(name: str) -> str:
    """Return the source of the script *name*."""
    return (files("tasks_platform.broker.leased") / "lua" / f"{name}.lua").read_text()


class Scripts:
    """The steps of one worker, over one client that adds no prefix to its keys."""

    def __init__(self, client: redis.Redis, names: Names, worker: str) -> None:
        self.client = client
        self._names = names
        self._worker = worker
        names_of = ("claim", "settle", "move", "tend")
        self._claim, self._settle, self._move, self._tend = map(client.register_script, map(text_of, names_of))

    def settle(self, numbers: Sequence[int]) -> int:
        """Forget claims; return how many of them the worker still had."""
        had: int = self._settle(keys=self._keys(self._worker), args=[self._worker, *numbers])
        return had

    def begin(self, numbers: Collection[int]) -> None:
        """Remember of claims that somebody has begun with them."""
        self.client.srem(self._names.ahead(self._worker), *numbers)

    def move(self, worker: str, moves: Sequence[Move]) -> int:
        """Move messages out of the claims of *worker*; return how many, -1 if it is another one and alive."""
        whose = "own" if worker == self._worker else "dead"
        moved: int = self._move(
            keys=[*self._keys(worker), self._names.graveyard],
            args=[worker, whose, len(self._names.prefix), *(part for move in moves for part in move)],
        )
        return moved

    def tend(self, seconds: float) -> Tended:
        """Keep the worker's lease for *seconds* if it has any claims, and look whose lease has ended."""
        found: Any = self._tend(keys=self._keys(self._worker), args=[self._worker, int(seconds * 1000)])
        now, kept, next_end, numbers, dead = found
        return Tended(
            now, bool(kept), next_end, frozenset(map(int, numbers)), tuple(worker.decode() for worker in dead)
        )

    def claims_of(self, worker: str) -> dict[int, bytes]:
        """Return what is recorded for *worker*: number of the claim -> list and message."""
        found: Any = self.client.hgetall(self._names.claimed(worker))
        return {int(number): recorded for number, recorded in found.items()}

    def ahead_of(self, worker: str) -> frozenset[int]:
        """Return those claims that nobody of *worker* has begun with."""
        found: Any = self.client.smembers(self._names.ahead(worker))
        return frozenset(map(int, found))

    def promote(self, asked: Asked) -> None:
        """Move what has become due in the queues that were *asked* for into its lists, and take nothing."""
        nothing = replace(asked, numbers=range(0))
        self._claim(keys=nothing.keys, args=nothing.arguments)

    def uptime(self) -> float:
        """Return for how many seconds the server has been running."""
        told: Any = self.client.info("server")
        return float(told.get("uptime_in_seconds", 0))

    def _keys(self, worker: str) -> list[str]:
        return [self._names.workers, self._names.claimed(worker), self._names.ahead(worker)]
