"""What RedBeat does by itself where the platform's beat goes on: the reasons for a scheduler of our own."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from celery import Celery
from redbeat.schedulers import RedBeatScheduler, RedBeatSchedulerEntry, acquire_distributed_beat_lock
from redis.exceptions import LockError

from acceptance.closing import close
from redis_server import running_redis


@pytest.fixture
def beat(tmp_path):
    """Start RedBeat's own scheduler, which has the lock, with an entry that is due every second."""
    with running_redis(tmp_path) as server:
        app = Celery("plain", broker=server.url, backend=server.url, set_as_current=False)
        app.conf.update(redbeat_redis_url=server.url, redbeat_redis_options={})
        app.conf.beat_schedule = {"tick": {"task": "shop.tick", "schedule": timedelta(seconds=1)}}
        beat = RedBeatScheduler(app, lock_timeout=5)
        acquire_distributed_beat_lock(SimpleNamespace(scheduler=beat))
        yield beat
        beat.lock = None
        beat.close()
        app.redbeat_redis.close()
        close(app)


def test_a_lost_lock_ends_it(beat):
    beat.app.redbeat_redis.delete(beat.lock_key)

    with pytest.raises(LockError):
        beat.tick()


def test_a_moment_that_cannot_be_sent_is_lost(beat):
    table = beat.app.redbeat_redis
    RedBeatSchedulerEntry.from_key("redbeat:tick", app=beat.app).reschedule(beat.app.now() - timedelta(hours=1))
    table.set("celery", "a queue that takes nothing")
    beat.tick()
    table.delete("celery")

    assert RedBeatSchedulerEntry.from_key("redbeat:tick", app=beat.app).last_run_at > beat.app.now() - timedelta(
        minutes=1
    )
    assert table.llen("celery") == 0
