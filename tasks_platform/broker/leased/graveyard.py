"""What nobody can run: kept as it was, with the reason."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import redis

#: Why a message lies in the graveyard: it cannot be read, its consumer refused it, too many workers died with it, or
#: its job was cancelled just now, and what that held is to be given back.
Reason = Literal["unreadable", "rejected", "delivery-limit", "cancelled"]


@dataclass(frozen=True, kw_only=True)
class Buried:
    """A message that nobody can run."""

    reason: Reason
    #: What is wrong with it, in words.
    detail: str
    queue: str
    #: The bytes that stood in the queue.
    raw: bytes
    #: When it was buried, in seconds since 1970.
    at: float = field(default_factory=time.time)
    #: How many workers died with it, and the last of them.
    deaths: int = 0
    workers: Sequence[str] = ()

    def write(self) -> bytes:
        """Return it as it is stored: JSON, the bytes as base64."""
        return json.dumps({**asdict(self), "raw": base64.b64encode(self.raw).decode()}).encode()

    @classmethod
    def of_cancelled(cls, stored: bytes) -> Buried:
        """Return what a script has put there of a job that was cancelled; its detail is who has said so, and why."""
        mark, queue, raw = stored[1:].split(b"\0", 2)
        return cls(reason="cancelled", detail=mark.decode(errors="replace"), queue=queue.decode(), raw=raw)

    @classmethod
    def read(cls, stored: bytes) -> Buried:
        """Return what `write` has written, or a script."""
        try:
            if stored[:1] == b"\1":
                return cls.of_cancelled(stored)
            found: dict[str, Any] = json.loads(stored)
            return cls(**{**found, "raw": base64.b64decode(found["raw"])})
        except (ValueError, TypeError, KeyError):
            return cls(
                reason="unreadable",
                detail="it lies there as it was: its own list could not take it",
                queue="",
                raw=stored,
            )


class Graveyard:
    """The list of what was buried at one broker."""

    def __init__(self, server: redis.Redis, key: str) -> None:
        self._server = server
        self._key = key

    def __len__(self) -> int:
        number: Any = self._server.llen(self._key)
        return int(number)

    def oldest(self, most: int) -> Iterator[tuple[bytes, Buried]]:
        """Yield the *most* that have lain there longest, as they are stored and as what they are."""
        found: Any = self._server.lrange(self._key, -most, -1)
        for stored in reversed(found):
            yield stored, Buried.read(stored)

    def forget_cancelled(self, mark: str, queue: str, raw: bytes) -> None:
        """Take the message of a cancelled job out."""
        self._server.lrem(self._key, 1, b"\1%b\0%b\0%b" % (mark.encode(), queue.encode(), raw))  # type: ignore[arg-type]

    def remove(self, stored: bytes) -> None:
        """Take one out, by what is stored of it."""
        self._server.lrem(self._key, -1, stored)  # type: ignore[arg-type]  # bytes are taken, too
