"""The few atomic operations that policies need, and their in-memory twin."""

from tasks_platform.store.interface import Letters, Store
from tasks_platform.store.memory import MemoryStore
from tasks_platform.store.records import Holder, Record
from tasks_platform.store.redis import RedisStore

__all__ = ["Holder", "Letters", "MemoryStore", "Record", "RedisStore", "Store"]
