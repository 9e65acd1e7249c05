"""What the platform remembers outside a process, as atomic operations: one file per subject.

Every operation may be repeated after a lost connection: repeating it with the same arguments changes nothing.
Records are JSON objects. Times are seconds; durations are seconds as float.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from tasks_platform.store.interface.audit import Audit
from tasks_platform.store.interface.firings import Firings
from tasks_platform.store.interface.flows import Flows
from tasks_platform.store.interface.job_ids import JobIds, Reservation
from tasks_platform.store.interface.letters import Letters
from tasks_platform.store.interface.replays import Replays
from tasks_platform.store.interface.results import Results
from tasks_platform.store.interface.runs import Runs
from tasks_platform.store.interface.steps import Steps
from tasks_platform.store.interface.unique_keys import UniqueKeys
from tasks_platform.store.interface.waits import WaitCounts
from tasks_platform.store.interface.watch import Watch


class Store(
    JobIds, UniqueKeys, Runs, Letters, Replays, Audit, Steps, Flows, Firings, Results, WaitCounts, Watch, Protocol
):
    """All of it."""

    def together(self) -> AbstractContextManager[None]:
        """Do what answers nothing (``confirm``, ``unreserve``) at the end of the block, all of it in one round trip.

        Whether a part of it was done is not known when the server fails meanwhile: it may be repeated.
        """


__all__ = [
    "Audit",
    "Firings",
    "Flows",
    "JobIds",
    "Letters",
    "Replays",
    "Reservation",
    "Results",
    "Runs",
    "Steps",
    "Store",
    "UniqueKeys",
    "WaitCounts",
    "Watch",
]
