"""Look wherever a secret might be seen: every key of a Redis server, every event of its workers."""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis
    from celery import Celery

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
_READ = {
    b"string": lambda client, key: client.get(key),
    b"hash": lambda client, key: client.hgetall(key),
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: client.smembers(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1),
    b"stream": lambda client, key: client.xrange(key),
}


def everything_in(client: redis.Redis) -> bytes:
    """Return the names and contents of all keys, what is in base64 decoded, too."""
    found = b""
    for key in client.scan_iter():
        kind = client.type(key)
        if kind != b"none":  # it has gone meanwhile
            found += key + b" " + b" ".join(_strings(_READ[kind](client, key))) + b"\n"
    return decoded(found)


def decoded(found: bytes) -> bytes:
    """Return *found*, and once more what is in base64 in it."""
    return found + b"\n".join(_decoded(text) for text in _BASE64.findall(found))


class Spy:
    """What was seen until now."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.redis: list[bytes] = []


@contextmanager
def hearing(app: Celery) -> Iterator[list[dict[str, Any]]]:
    """Collect all events of workers."""
    events: list[dict[str, Any]] = []
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": events.append})
        thread = threading.Thread(target=receiver.capture)
        thread.start()
        try:
            yield events
        finally:
            receiver.should_stop = True
            thread.join()


@contextmanager
def spying_on(app: Celery, client: redis.Redis) -> Iterator[Spy]:
    """Collect all events of workers, and again and again everything that *client*'s server holds."""
    spy, done = Spy(), threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            spy.redis.append(everything_in(client))

    with hearing(app) as spy.events:
        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield spy
        finally:
            done.set()
            thread.join()
            spy.redis.append(everything_in(client))


def as_bytes(found: Any) -> bytes:
    """Return what was found as something to search in."""
    return found if isinstance(found, bytes) else json.dumps(found, default=str).encode()


def _strings(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        for item in value.items():
            yield from _strings(item)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from _strings(item)
    elif value is not None:
        yield value


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""
