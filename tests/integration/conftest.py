"""What integration tests share."""

from __future__ import annotations

import pytest

from tasks_platform.store import MemoryStore, RedisStore


@pytest.fixture(params=["memory", "redis"])
def store(request):
    """Return the store in Redis, and then its twin in memory: both keep the same promises."""
    if request.param == "memory":
        yield MemoryStore()
        return
    store = RedisStore(request.getfixturevalue("redis_url"))
    yield store
    store.client.close()
