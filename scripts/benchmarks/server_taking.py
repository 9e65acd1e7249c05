"""Taking jobs like a worker does that does nothing with them: claimed and acknowledged in groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tasks_platform.broker.leased.asking import CLAIM
from tasks_platform.broker.leased.scripts import Settled

_ID: Final = re.compile(rb'"id": ?"([^"]+)"')


class Taker:
    """Claims jobs of one queue under a lease, with the platform's own scripts, and acknowledges them."""

    def __init__(self, app: Any, queue: str) -> None:
        self._connection = app.connection_for_read()
        self._channel = self._connection.default_channel
        self._queue = queue
        self._script = self._channel.server.register_script(CLAIM)

    def take(self, jobs: int, most: int) -> int:
        """Claim and acknowledge *most* at a time, until *jobs* were or nothing is left; return how many were."""
        done = 0
        while done < jobs and (claims := self.claim(most)):
            self.settle(claims)
            done += len(claims)
        return done

    def claim(self, most: int) -> list[Settled]:
        """Claim *most* jobs, or what there is."""
        asked = self._channel._ask([self._queue], most, 0, frozenset())  # noqa: SLF001 - as it asks itself
        _, _, *found = self._script(keys=asked.keys, args=asked.arguments)
        asked.lease.held.came(asked.numbers[len(found) // 4 :])  # the others count as on their way: nobody has them yet
        return [Settled(number, self._queue, _id_of(raw)) for number, raw in zip(found[2::4], found[3::4], strict=True)]

    def settle(self, claims: list[Settled]) -> None:
        """Acknowledge *claims*."""
        lease = self._channel.lease
        lease.scripts.settle(claims)
        lease.held.came([claim.number for claim in claims])

    def settle_each(self, claimed: Sequence[list[Settled]]) -> None:
        """Acknowledge what was *claimed*, as it was claimed."""
        for claims in claimed:
            self.settle(claims)

    def close(self) -> None:
        """End the lease and the connection."""
        self._channel.lease.end()
        self._connection.release()


def _id_of(raw: bytes) -> str:
    found = _ID.search(raw)
    return found[1].decode() if found else ""
