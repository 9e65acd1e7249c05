"""What lies in Redis when everything is done: nothing but the letters of the jobs that were refused for good."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Final

import redis

from tasks_platform import Settings, create_app
from tasks_platform.letters import DeadLetterQueue
from under_fire.sending import KINDS

#: The lists of the queue that all jobs go through, by priority.
LISTS: Final = ("default", *(f"default\x06\x16{step}" for step in (1, 3, 6, 9)))
_PAGE: Final = 500
#: How jobs are called, as it stands in a message.
_NAME: Final = re.compile(rf'"((?:{"|".join(KINDS)})-\d+(?:\.\w+)?)"')


@dataclass(frozen=True, kw_only=True)
class Remains:
    """How much of what is left; zero of each where all is well."""

    ready: int
    #: Under whichever worker.
    claimed: int
    delayed: int
    graveyard: int
    #: Leases of workers, dead or alive: who has nothing has none.
    leases: int
    #: Unique keys that jobs hold.
    keys: int

    @property
    def total(self) -> int:
        """How much is left of anything."""
        return sum(asdict(self).values())

    @property
    def troubles(self) -> list[str]:
        """What is left, in words."""
        return [f"{count} left in Redis: {what}" for what, count in asdict(self).items() if count]


def remains(url: str) -> Remains:
    """Look what is left at the server *url*."""
    with redis.Redis.from_url(url) as client:
        of: Any = client
        return Remains(
            ready=sum(of.llen(name) for name in LISTS),
            claimed=sum(of.hlen(key) for key in _keys(of, "leased:claimed:*")) + of.hlen("unacked"),
            delayed=sum(of.zcard(key) for key in _keys(of, "leased:delayed:*")),
            graveyard=of.llen("leased:graveyard"),
            leases=of.zcard("leased:workers"),
            keys=sum(1 for _ in _keys(of, "*:unique:under_fire.*")),
        )


def remains_after(url: str, patience: float, told: Callable[[float], None]) -> Remains:
    """Return what is left as soon as that is nothing, or has not changed for *patience* seconds."""
    most, before, since = 0, remains(url), time.monotonic()
    while (found := remains(url)).total and time.monotonic() - since < patience:
        most = max(most, found.total)
        told(1 - found.total / most)
        if found != before:
            before, since = found, time.monotonic()
        time.sleep(0.5)
    told(1.0)
    return found


def _keys(client: Any, pattern: str) -> Iterator[bytes]:
    yield from client.scan_iter(pattern, count=5000)


def amiss_in_letters(url: str, expected: set[str], possible: set[str]) -> list[str]:
    """Compare the dead letters with the names of the jobs that are to be there, and those that may be.

    Return what is wrong, in words.
    """
    unexpected, found = [], set()
    for letter in _letters(url):
        names = _NAME.findall(json.dumps(letter["message"]).replace("\\", ""))
        found.update(names)
        if not names or not (expected | possible).issuperset(names):
            unexpected.append(f"a letter that should not be: {names} ({letter['task']}, {letter['cause']})")
    return [*unexpected, *(f"no letter of {name}" for name in sorted(expected - found))]


def _letters(url: str) -> Iterator[dict[str, Any]]:
    with closing(create_app(Settings(redis_url=url, business=False))) as app:
        queue = DeadLetterQueue(app)
        offset = 0
        while page := queue.list(offset, _PAGE):
            yield from page
            offset += len(page)
