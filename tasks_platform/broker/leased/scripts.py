"""Scripts: what is one step at the server, as functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import redis

from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.script_lines import ScriptLines

if TYPE_CHECKING:
    from tasks_platform.broker.leased.asking import Asked

#: Where a message is put: to the end of its list that is taken from first, to the other end, away, nowhere, or among
#: those that are not due yet; then it is a time in ms since 1970.
Where = Literal["head", "tail", "graveyard", "nowhere"] | int
#: Stands in a script where the part is to stand by which it knows of ids.
_INDEX: Final = "-- INDEX\n"


class Move(NamedTuple):
    """One message that leaves a worker's claims."""

    number: int
    where: Where
    list: bytes
    message: bytes
    #: Its queue, and the id of its job; '' if it has none.
    queue: str = ""
    job_id: str = ""


class Settled(NamedTuple):
    """A claim whose message is done with."""

    number: int
    queue: str
    job_id: str


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
    return with_index((_folder() / f"{name}.lua").read_text())


def with_index(script: str) -> str:
    """Return *script* with the part by which it knows of ids, where it asks for it."""
    return script.replace(_INDEX, (_folder() / "index.lua").read_text())


def _folder() -> Traversable:
    return files("tasks_platform.broker.leased") / "lua"


class Scripts:
    """The steps of one worker, over one client that adds no prefix to its keys."""

    def __init__(self, client: redis.Redis, names: Names, worker: str) -> None:
        self.client = client
        self.names = names
        self._worker = worker
        #: For what is done for every job.
        self._lines = ScriptLines.to(client.connection_pool)
        self._claim, self._move, self._tend = map(client.register_script, map(text_of, ("claim", "move", "tend")))

    def close(self) -> None:
        """Close the connections."""
        self._lines.close()
        self.client.close()

    def settle(self, claims: Sequence[Settled], begun: Collection[int] = ()) -> int:
        """Forget claims, and that nobody has *begun* with others; return how many the worker still had to forget."""
        told = [part for claim in claims for part in claim]
        arguments = [self._worker, self.names.prefix, len(begun), *begun, *told]
        had: int = self._lines.run(text_of("settle"), self._keys(self._worker), arguments)
        return had

    def begin(self, numbers: Collection[int]) -> None:
        """Remember of claims that somebody has begun with them."""
        self.client.srem(self.names.ahead(self._worker), *numbers)

    def move(self, worker: str, moves: Sequence[Move]) -> int:
        """Move messages out of the claims of *worker*; return how many, -1 if it is another one and alive."""
        whose = "own" if worker == self._worker else "dead"
        moved: int = self._move(
            keys=[*self._keys(worker), self.names.graveyard],
            args=[worker, whose, len(self.names.prefix), *(part for move in moves for part in move)],
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
        found: Any = self.client.hgetall(self.names.claimed(worker))
        return {int(number): recorded for number, recorded in found.items()}

    def ahead_of(self, worker: str) -> frozenset[int]:
        """Return those claims that nobody of *worker* has begun with."""
        found: Any = self.client.smembers(self.names.ahead(worker))
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
        return [self.names.workers, self.names.claimed(worker), self.names.ahead(worker)]
