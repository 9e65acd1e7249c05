"""The store's twin in memory: one process, the same behaviour, for tests without a server."""

from tasks_platform.store.interface import Store
from tasks_platform.store.memory.audit import Audit
from tasks_platform.store.memory.firings import Firings
from tasks_platform.store.memory.flows import Flows
from tasks_platform.store.memory.job_ids import JobIds
from tasks_platform.store.memory.letters import Letters
from tasks_platform.store.memory.replays import Replays
from tasks_platform.store.memory.results import Results
from tasks_platform.store.memory.unique_keys import UniqueKeys
from tasks_platform.store.memory.waits import WaitCounts
from tasks_platform.store.memory.watch import Watch


class MemoryStore(JobIds, UniqueKeys, Replays, Letters, Audit, Flows, Firings, Results, WaitCounts, Watch, Store):
    """See ``tasks_platform.store.interface`` for what each operation promises."""


__all__ = ["MemoryStore"]
