"""The few atomic operations that policies need, and their in-memory twin."""

from tasks_platform.store.interface import Letters, Reservation, Store
from tasks_platform.store.legible import legible
from tasks_platform.store.memory import MemoryStore
from tasks_platform.store.records import Holder, Record
from tasks_platform.store.redis import RedisStore
from tasks_platform.store.where import EVERYTHING, LISTED_BY, Place, Where

__all__ = [
    "EVERYTHING",
    "LISTED_BY",
    "Holder",
    "Letters",
    "MemoryStore",
    "Place",
    "Record",
    "RedisStore",
    "Reservation",
    "Store",
    "Where",
    "legible",
]
