"""Held: the messages that this process has, and who still knows them."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tasks_platform.broker.leased.scripts import Settled
from tasks_platform.broker.leased.unpatched import allocate_lock


@dataclass(slots=True)
class Claim:
    """A message that this process has under its lease."""

    number: int
    queue: str
    #: The key of the list it was taken from.
    list: bytes
    raw: bytes
    #: The id of its job, if it has one.
    job_id: str = ""
    #: Whether the server knows, or is about to be told, that somebody has begun with it.
    is_begun: bool = True
    #: The message as kombu knows it; None before somebody is to receive it.
    message: weakref.ref[Any] | None = None

    @property
    def settled(self) -> Settled:
        """What the server is told when it is done with."""
        return Settled(self.number, self.queue, self.job_id)


class Held:
    """Which claims are whose: those that are delivered, by delivery tag, and those that are on their way in or out.

    All of it may be asked and changed by any thread: every step is one operation of a dict or a set, or behind a lock.
    """

    def __init__(self, dropped: Callable[[str], None]) -> None:
        #: Called with the tag of a message that nobody knows any more; at any time, so it must do next to nothing.
        self._dropped = dropped
        self._claims: dict[str, Claim] = {}
        #: Claims that the server may still record, by when they were asked for in seconds of the monotonic clock, and
        #: ones that it may still have recorded.
        self._coming: dict[int, float] = {}
        self._going: set[int] = set()
        self._next = 1
        self._lock = allocate_lock()

    def __len__(self) -> int:
        return len(self._claims)

    def __contains__(self, tag: str) -> bool:
        return tag in self._claims

    @property
    def is_empty(self) -> bool:
        """Whether this process has nothing, and nothing is on its way in or out."""
        return not (self._claims or self._coming or self._going)

    def number(self, count: int) -> range:
        """Return the numbers of the next *count* claims."""
        with self._lock:
            first, self._next = self._next, self._next + count
            self._coming.update(dict.fromkeys(numbers := range(first, first + count), time.monotonic()))
        return numbers

    def arrives(self, number: int) -> bool:
        """Tell whether the claim *number* has come in time: it is not given back while it is being delivered."""
        with self._lock:
            if number not in self._coming:
                return False
            self._coming[number] = math.inf
            return True

    def came(self, numbers: Iterable[int]) -> None:
        """No more claims with these *numbers* are on their way."""
        with self._lock:
            for number in numbers:
                self._coming.pop(number, None)

    def of_job(self, job_id: str) -> Claim | None:
        """Return the claim of the message of a job; None if it is not here."""
        return next((claim for claim in list(self._claims.values()) if claim.job_id == job_id), None)

    def has(self, tag: str, number: int) -> bool:
        """Tell whether the message *tag* is here by the claim *number*: it may have been lost, and have come again."""
        claim = self._claims.get(tag)
        return claim is not None and claim.number == number

    def add(self, tag: str, claim: Claim) -> None:
        """Remember a claim."""
        self._claims[tag] = claim

    def attach(self, tag: str, message: Any) -> None:
        """Remember the message of a claim: when nobody knows it any more, nobody will ever acknowledge it."""
        if (claim := self._claims.get(tag)) is not None:
            claim.message = weakref.ref(message, lambda _: self._dropped(tag))

    def begin(self, tag: str) -> int | None:
        """Note that somebody begins with a message; return the number of its claim if the server does not know it."""
        claim = self._claims.get(tag)
        if claim is None or claim.is_begun:
            return None
        claim.is_begun = True
        return claim.number

    def is_idle(self, tag: str) -> bool:
        """Tell whether a message is here that nobody knows."""
        claim = self._claims.get(tag)
        return claim is not None and (claim.message is None or claim.message() is None)

    def take(self, tag: str) -> Claim | None:
        """Return the claim of *tag*, which from now on is on its way out; None if it is there no more."""
        if (claim := self._claims.get(tag)) is not None:
            self._going.add(claim.number)  # before it leaves the others: `strays` must find it somewhere
        return self._claims.pop(tag, None)

    def leaves(self, *numbers: int) -> None:
        """Remember that claims with these *numbers* are on their way out."""
        self._going.update(numbers)

    def gone(self, *numbers: int) -> None:
        """Forget claims with these *numbers*: so has the server."""
        self._going.difference_update(numbers)

    def lost(self, recorded: frozenset[int], known: frozenset[int]) -> list[Claim]:
        """Drop and return claims that were *known* before the server said which are *recorded*, and are not."""
        tags = [tag for tag, claim in list(self._claims.items()) if claim.number in known - recorded]
        return [claim for tag in tags if (claim := self._claims.pop(tag, None)) is not None]

    def strays(self, recorded: frozenset[int], patience: float) -> frozenset[int]:
        """Return those of the *recorded* claims that nobody here knows of: the answer to their claim was lost.

        One that has not come for *patience* seconds is given up: somebody does not read its answer.
        """
        # in the order in which a claim passes through them
        with self._lock:
            for number in recorded.intersection(self._coming):
                if self._coming[number] < time.monotonic() - patience:
                    del self._coming[number]
            unknown = recorded.difference(self._coming)
        return (unknown - self.numbers()).difference(tuple(self._going))

    def numbers(self) -> frozenset[int]:
        """Return the numbers of the claims that are delivered."""
        return frozenset(claim.number for claim in list(self._claims.values()))

    def tags(self) -> list[str]:
        """Return the delivery tags of all messages, oldest first."""
        return list(self._claims)
