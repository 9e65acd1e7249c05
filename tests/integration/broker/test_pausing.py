"""A queue that is paused: nothing is taken from it, by anybody, until somebody resumes it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest

from simple_queues import put, take
from tasks_platform.broker.leased import control

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from kombu import Connection


def test_nothing_is_taken_while_a_queue_is_paused_and_all_of_it_after(connection: Connection) -> None:
    channel = connection.default_channel
    put(connection, "q", 1, priority=0)
    put(connection, "q", 2)
    control.pause(channel, "q", by="ana@box", why="the mail server is down")
    with pytest.raises(Empty):
        take(connection, "q", timeout=0.3)
    put(connection, "q", 3)
    put(connection, "other", 4)
    assert take(connection, "other").payload == 4
    control.resume(channel, "q")
    assert [take(connection, "q").payload for _ in range(3)] == [1, 2, 3]


def test_who_waits_for_a_paused_queue_is_woken_when_it_is_resumed(
    connect: Callable[..., Connection], connection: Connection
) -> None:
    channel = connection.default_channel
    control.pause(channel, "q", by="ana@box", why="why not")
    put(connection, "q", 1)
    taken: list[Any] = []

    def consume() -> None:
        with connect() as waiting:
            taken.append((take(waiting, "q", timeout=20.0).payload, time.monotonic()))

    thread = threading.Thread(target=consume)
    thread.start()
    names = channel.names
    # it has looked once, and waits for a signal
    deadline = time.monotonic() + 10
    while not channel.server.client_list(_type="normal") or not any(
        client["cmd"] == "bzpopmin" for client in channel.server.client_list()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not taken
    resumed = time.monotonic()
    control.resume(channel, "q")
    thread.join(20.0)
    assert taken[0][0] == 1
    assert taken[0][1] - resumed < 4  # it does not wait until it looks by itself
    assert not channel.server.exists(names.paused)


def test_the_first_pause_stays_and_tells_who_why_and_since_when(connection: Connection) -> None:
    channel = connection.default_channel
    first = control.pause(channel, "q", by="ana@box", why="the mail server is down")
    assert (first.by, first.why) == ("ana@box", "the mail server is down")
    assert abs(first.since - datetime.now(UTC)) < timedelta(minutes=1)
    assert control.pause(channel, "q", by="bob@box", why="lunch") == first
    assert control.paused(channel) == {"q": first}
    assert control.resume(channel, "q") == first
    assert control.resume(channel, "q") is None
    assert control.paused(channel) == {}


def test_what_becomes_due_in_a_paused_queue_waits_in_its_list(connection: Connection, redis_db: redis.Redis) -> None:
    channel = connection.default_channel
    control.pause(channel, "q", by="ana@box", why="why not")
    put(connection, "q", 1, headers={"eta": (datetime.now(UTC) + timedelta(seconds=0.2)).isoformat()})
    with pytest.raises(Empty):
        take(connection, "q", timeout=1.0)
    assert (redis_db.zcard("leased:delayed:q"), redis_db.llen("q")) == (0, 1)


def test_what_others_have_written_there_pauses_a_queue_and_can_be_resumed(
    connection: Connection, redis_db: redis.Redis
) -> None:
    redis_db.hset("leased:paused", "q", "by hand")
    put(connection, "q", 1)
    with pytest.raises(Empty):
        take(connection, "q", timeout=0.3)
    ended = control.resume(connection.default_channel, "q")
    assert ended is not None
    assert ended.why == "by hand"
    assert take(connection, "q").payload == 1


def test_depth_counts_each_message_once_where_it_lies(connection: Connection, redis_db: redis.Redis) -> None:
    channel = connection.default_channel
    later = datetime.now(UTC) + timedelta(hours=1)
    for number, step in enumerate([0, 3, 3, 9]):
        put(connection, "q", number, priority=step)
    put(connection, "q", "later", headers={"eta": later.isoformat()})
    put(connection, "other", "mine")
    kept = take(connection, "q")
    found, other, empty = control.depth(channel, ["q", "other", "nothing"])
    assert kept.payload == 0
    assert (found.ready, found.waiting, found.delayed, found.claimed) == ({0: 0, 1: 0, 3: 2, 6: 0, 9: 1}, 3, 1, 1)
    assert found.next_due == pytest.approx(later.timestamp() * 1000, abs=2)
    assert sorted(found.next) == [3, 9]
    assert (other.waiting, other.claimed, other.pause) == (1, 0, None)
    assert (empty.waiting, empty.delayed, empty.next_due, empty.claimed, empty.next) == (0, 0, None, 0, {})
    kept.ack()
    redis_db.delete("q")
    redis_db.set("q", "no list")
    redis_db.lpush("q\x06\x166", "garbage")
    (odd,) = control.depth(channel, ["q"])
    assert (odd.ready[0], odd.ready[6], 6 in odd.next, odd.claimed) == (0, 1, False, 0)


def test_how_fast_a_queue_goes_is_counted_where_messages_are_acknowledged(connection: Connection) -> None:
    channel = connection.default_channel
    for number in range(6):
        put(connection, "q", number)
    (before,) = control.depth(channel, ["q"])
    assert control.rates(channel, ["q", "other"], before.at) == {"q": None, "other": None}
    messages = [take(connection, "q") for _ in range(5)]
    for message in messages[:3]:
        message.ack()
    messages[3].reject(requeue=True)
    (after,) = control.depth(channel, ["q"])
    rate = control.rates(channel, ["q"], after.at)["q"]
    assert rate is not None
    assert 3 / 70 <= rate <= 3
    assert control.rates(channel, ["q"], after.at + 3_600_000) == {"q": None}
