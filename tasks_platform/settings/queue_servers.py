"""Queues that lie on Redis servers of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, SecretStr, StringConstraints
from pydantic_settings import NoDecode

#: Between two entries: a comma behind which the name of a queue and an equals sign stand; others belong to a URL.
_NEXT: Final = re.compile(r",(?=\s*[^\s,=:/?]+\s*=)")
_REDIS: Final = re.compile(r"(redis|rediss|unix|sentinel|leased\+\w+)://[^\s]")


def _by_queue(given: Any) -> Any:
    """Read the text of a variable: ``bulk=redis://one/0,images=redis://two/0``, or an object in JSON."""
    if not isinstance(given, str):
        return given
    if given.lstrip().startswith("{"):
        try:
            return json.loads(given)
        except ValueError:
            raise ValueError("it looks like JSON and is none") from None
    entries = [entry.partition("=") for entry in _NEXT.split(given.strip(" ,")) if entry]
    return {queue.strip(): url.strip() for queue, _, url in entries}


def _on_redis(given: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for queue, url in given.items():
        if not _REDIS.match(url.get_secret_value()):
            raise ValueError(
                f"of the queue {queue!r}: give the address of a Redis server, as in {queue}=redis://host:6379/0"
            )
    return given


#: The addresses of servers by the queues that lie on them.
QueueServers = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1)], SecretStr],
    NoDecode,
    BeforeValidator(_by_queue),
    AfterValidator(_on_redis),
]
