"""Asked: one claim as it is sent to the server."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from tasks_platform.broker.leased.lease import Lease
from tasks_platform.broker.leased.scripts import text_of

#: The script that claims, and the name under which a server knows it.
CLAIM: Final = text_of("claim")
_SHA: Final = hashlib.sha1(CLAIM.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Who asks for how many messages of which queues."""

    lease: Lease
    #: The numbers that the claims get, and the first of them that is not begun with at once.
    numbers: range
    ahead_from: int
    queues: list[str]
    #: Queues whose messages are not to be acknowledged.
    no_ack: Collection[str]
    all_steps: Iterable[int]
    #: The priority steps from which is taken, first to last.
    steps: Iterable[int]
    #: For how long an idle worker sleeps at most, in ms.
    nap_ms: int

    @property
    def keys(self) -> list[str]:
        """The keys that the script is given."""
        names = self.lease.names
        worker = self.lease.worker
        return [names.workers, names.claimed(worker), names.ahead(worker), names.paused, names.gone]

    @property
    def arguments(self) -> list[Any]:
        """The arguments that the script is given."""
        lease, names = self.lease, self.lease.names
        limits = [lease.worker, int(lease.seconds * 1000), len(self.numbers), self.numbers.start, self.nap_ms]
        flagged = [part for queue in self.queues for part in (queue, int(queue in self.no_ack))]
        shape = [names.prefix, names.sep, self.ahead_from, len(self.queues)]
        return [*limits, *shape, *flagged, *self.all_steps, "|", *self.steps]

    @property
    def command(self) -> list[Any]:
        """The command as it goes over the wire."""
        return ["EVALSHA", _SHA, len(self.keys), *self.keys, *self.arguments]
