"""The store in Redis: every operation is one command, one transaction or one Lua script."""

from tasks_platform.store.interface import Store
from tasks_platform.store.redis.audit import Audit
from tasks_platform.store.redis.connection import connect
from tasks_platform.store.redis.firings import Firings
from tasks_platform.store.redis.flows import Flows
from tasks_platform.store.redis.job_ids import JobIds
from tasks_platform.store.redis.letters import Letters
from tasks_platform.store.redis.replays import Replays
from tasks_platform.store.redis.results import Results
from tasks_platform.store.redis.runs import Runs
from tasks_platform.store.redis.steps import Steps
from tasks_platform.store.redis.unique_keys import UniqueKeys
from tasks_platform.store.redis.waits import WaitCounts
from tasks_platform.store.redis.watch import Watch


class RedisStore(
    JobIds, UniqueKeys, Letters, Replays, Audit, Runs, Steps, Flows, Firings, Results, WaitCounts, Watch, Store
):
    """See ``tasks_platform.store.interface`` for what each operation promises."""


__all__ = ["RedisStore", "connect"]
