"""Messages are found by the ids of their jobs, taken out, and put elsewhere, wherever they lie."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection

from simple_queues import claims, put, take
from tasks_platform.broker.leased import control
from tasks_platform.broker.leased.control import Finder, Found
from tasks_platform.broker.leased.delays import delayed
from tasks_platform.broker.leased.migrate import to_plain
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

#: More than are looked at around the place that the index tells.
MANY = 600


def test_each_of_many_is_found_in_its_place_whoever_has_put_it_there(connection: Connection) -> None:
    channel = connection.default_channel
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    for number in range(MANY):
        send(connection, f"now-{number}")
        if number % 3 == 0:
            send(connection, f"due-{number}", eta=soon.isoformat())
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds() + 0.01))
    returned = [take(connection, "q") for _ in range(100)]
    for message in returned[::2]:
        message.reject(requeue=True)  # to the end
    for message in reversed(returned[1::2]):
        channel.lease.give_back([message.delivery_tag])
    for number in range(MANY):
        send(connection, f"later-{number}")
    ids = (
        [f"now-{n}" for n in range(MANY)]
        + [f"due-{n}" for n in range(0, MANY, 3)]
        + [f"later-{n}" for n in range(MANY)]
    )
    finder = Finder(channel, ["other", "q"])
    lost = [job_id for job_id in ids if (found := finder.find(job_id)) is None or found.state != "ready"]
    assert lost == []


def test_each_of_many_delayed_ones_of_the_same_moment_is_found(connection: Connection) -> None:
    eta = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for number in range(MANY):
        send(connection, f"due-{number}", eta=eta)
    finder = Finder(connection.default_channel, ["q"])
    found = [finder.find(f"due-{number}") for number in range(MANY)]
    assert all(it is not None and it.state == "delayed" and it.due is not None for it in found)
    assert finder.find("due-x") is None


def test_what_is_taken_out_is_gone_at_once_and_the_others_come_in_their_order(
    connection: Connection, redis_db: redis.Redis
) -> None:
    channel = connection.default_channel
    for number in range(6):
        send(connection, str(number))
    finder = Finder(channel, ["q"])
    for number in (0, 3, 5):
        found = finder.take(str(number))
        assert found is not None
        assert (found.state, json.loads(found.raw)["headers"]["id"]) == ("ready", str(number))
        assert finder.take(str(number)) is None
    assert control.depth(channel, ["q"])[0].waiting == channel._size("q") == 3
    assert [take(connection, "q").headers["id"] for _ in range(3)] == ["1", "2", "4"]
    with pytest.raises(Empty):
        take(connection, "q", timeout=0.1)
    assert (redis_db.llen("q"), redis_db.exists("leased:gone")) == (0, 0)


def test_the_same_id_can_be_sent_again_after_it_was_taken_out(connection: Connection) -> None:
    finder = Finder(connection.default_channel, ["q"])
    send(connection, "one")
    assert finder.take("one") is not None
    send(connection, "one")
    assert take(connection, "q").headers["id"] == "one"


def test_what_a_worker_has_is_told_and_left_there(connection: Connection, redis_db: redis.Redis) -> None:
    send(connection, "one")
    message = take(connection, "q")
    finder = Finder(connection.default_channel, ["q"])
    for found in (finder.find("one"), finder.take("one"), finder.change("one", lambda *_: ("q", 9))):
        assert found is not None
        assert (found.state, found.queue, found.step, found.begun) == ("claimed", "q", 0, True)
        assert found.worker == connection.default_channel.lease.worker
    assert claims(redis_db) == 1
    message.ack()
    assert finder.find("one") is None
    assert redis_db.exists("leased:index:q") == 0


def test_a_message_gets_another_priority_another_queue_and_is_run_now(connection: Connection) -> None:
    channel = connection.default_channel
    finder = Finder(channel, ["q", "other"])
    send(connection, "first")
    send(connection, "second")
    send(connection, "later", eta=(datetime.now(UTC) + timedelta(hours=1)).isoformat())

    def urgently(message: dict[str, Any], _: Found) -> tuple[str, int]:
        message["properties"]["priority"] = 0
        message["headers"]["eta"] = None
        return "q", 0

    def elsewhere(message: dict[str, Any], _: Found) -> tuple[str, int]:
        message["properties"]["priority"] = 9
        return "other", 9

    for job_id in ("first", "second", "later"):
        was = finder.change(job_id, urgently)
        assert was is not None
        assert was.state == ("delayed" if job_id == "later" else "ready")
    assert finder.change("first", elsewhere) is not None
    assert finder.find("first").queue == "other"  # type: ignore[union-attr]
    assert [take(connection, "q").headers["id"] for _ in range(2)] == ["second", "later"]
    assert take(connection, "other").headers["id"] == "first"
    assert finder.change("nobody", elsewhere) is None


def test_a_delayed_one_is_taken_out_and_is_found_when_it_has_become_due(connection: Connection) -> None:
    channel = connection.default_channel
    finder = Finder(channel, ["q"])
    send(connection, "gone", eta=(datetime.now(UTC) + timedelta(seconds=0.3)).isoformat())
    send(connection, "due", eta=(datetime.now(UTC) + timedelta(seconds=0.3)).isoformat())
    found = finder.take("gone")
    assert found is not None
    assert found.state == "delayed"
    assert delayed(channel, "q", 10).total == 1
    send(connection, "other", queue="beside")
    time.sleep(0.4)
    control.pause(channel, "q", by="me", why="so that it stays there")
    with pytest.raises(Empty):
        take(connection, "q", timeout=0.1)
    due = finder.find("due")
    assert due is not None
    assert due.state == "ready"


def test_a_plain_producers_message_is_found_by_looking_through_the_youngest(
    connection: Connection, redis_url: str
) -> None:
    with Connection(redis_url) as plain:
        for number in range(30):
            put(plain, "q", number, headers={"id": f"plain-{number}"})
    channel = connection.default_channel
    assert Finder(channel, ["q"]).find("plain-7") is None
    finder = Finder(channel, ["q"], scanned=1000)
    found = finder.take("plain-7")
    assert found is not None
    assert found.state == "ready"
    assert len({take(connection, "q").headers["id"] for _ in range(29)}) == 29


def test_another_message_that_only_names_the_id_is_not_taken_for_it(connection: Connection) -> None:
    send(connection, "other", body="job-1")
    send(connection, "third", parent_id="job-1")
    finder = Finder(connection.default_channel, ["q"], scanned=1000)
    assert finder.find("job-1") is None
    send(connection, "job-1")
    assert finder.take("job-1") is not None
    assert [take(connection, "q").headers["id"] for _ in range(2)] == ["other", "third"]


def test_under_a_storm_of_claims_each_job_is_taken_out_or_run_and_none_is_both_or_neither(
    connect: Callable[..., Connection], connection: Connection, redis_db: redis.Redis
) -> None:
    for number in range(MANY):
        send(connection, str(number))
    run: set[str] = set()

    def consume() -> None:
        with connect() as own:
            while True:
                try:
                    message = take(own, "q", timeout=0.5)
                except Empty:
                    return
                run.add(message.headers["id"])
                message.ack()

    threads = [threading.Thread(target=consume) for _ in range(3)]
    finder = Finder(connection.default_channel, ["q"])
    for thread in threads:
        thread.start()
    gone = set()
    for number in range(MANY - 1, -1, -2):
        found = finder.take(str(number))
        if found is not None and found.state != "claimed":
            gone.add(str(number))
    for thread in threads:
        thread.join(30.0)
    assert gone
    assert run.isdisjoint(gone)
    assert run | gone == {str(number) for number in range(MANY)}
    wait_for(lambda: claims(redis_db) == 0, 10, "the acknowledgements")
    assert redis_db.exists("leased:index:q", "leased:gone") == 0


def test_a_purge_and_a_way_back_to_plain_workers_forget_all_of_it(
    connection: Connection, redis_url: str, redis_db: redis.Redis
) -> None:
    channel = connection.default_channel
    finder = Finder(channel, ["q"])
    for number in range(4):
        send(connection, str(number))
    finder.take("1")
    assert channel._purge("q") == 3
    assert finder.find("2") is None
    for number in range(4):
        send(connection, str(number))
    finder.take("2")
    to_plain(channel)
    assert not redis_db.exists("leased:gone", "leased:index:q", "leased:pushed")
    with Connection(redis_url) as plain:
        assert [take(plain, "q").headers["id"] for _ in range(3)] == ["0", "1", "3"]


def send(connection: Connection, job_id: str, *, queue: str = "q", body: str = "", **headers: Any) -> None:
    """Put a message in a queue as a producer of jobs does."""
    put(connection, queue, body, headers={"id": job_id, **headers})
