"""What is done before messages are acknowledged: it says which are not to be, yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simple_queues import claims, put, take
from waiting import wait_for

if TYPE_CHECKING:
    import redis
    from kombu import Connection

    from tasks_platform.broker.leased.lease import Lease


def test_a_message_that_is_not_to_be_acknowledged_yet_waits_and_the_others_do_not(
    connection: Connection, redis_db: redis.Redis
) -> None:
    for job_id in ("one", "two", "three"):
        put(connection, "q", job_id, headers={"id": job_id})
    lease: Lease = connection.default_channel.lease  # type: ignore[attr-defined]
    late, calls = {"one"}, []

    def first() -> set[str]:
        calls.append(claims(redis_db))
        return late

    lease.precede(first)
    messages = [take(connection, "q") for _ in range(3)]
    for message in messages:
        lease.settle(message.delivery_tag, later=message.payload == "two")  # by the thread in any case
    wait_for(lambda: claims(redis_db) == 1, 10, "the acknowledgement of the others")
    assert calls[0] == 3
    (left,) = redis_db.hvals(redis_db.keys("leased:claimed:*")[0])  # type: ignore[index,misc,arg-type]
    assert b'"one"' in left
    late.clear()
    wait_for(lambda: claims(redis_db) == 0, 10, "the acknowledgement of the last")
