"""What the broker has buried becomes letters: all of it, each once, whatever it says of itself."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from store_records import AGAIN, attempt
from tasks_platform import events
from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.celery import PlatformApp
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.letters.adopting import adopt
from tasks_platform.letters.telling.watch import Watch
from tasks_platform.sealing import new_key
from tasks_platform.settings import Settings, Signing
from tasks_platform.task.amqp import signed
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

GRAVEYARD = "leased:graveyard"
BODY = "[[1], {}, {}]"


def a_message(job_id: str = "job", body: str = BODY, **headers: Any) -> bytes:
    """Return the message of a job as it is stored."""
    told = {"task": "shop.ship", "id": job_id, "retries": 0, **headers}
    properties = {"delivery_tag": "t", "body_encoding": "base64", "delivery_info": {"routing_key": "orders"}}
    encoded = base64.b64encode(body.encode()).decode()
    return json.dumps({"body": encoded, "headers": told, "properties": properties}).encode()


def buried(raw: bytes, **fields: Any) -> bytes:
    """Return what lies in the graveyard of a message that killed its workers."""
    given = {"reason": "delivery-limit", "detail": "5 workers died with it", "queue": "orders", "raw": raw, **fields}
    return Buried(**given).write()


def ship(order: int) -> int:
    return order


@pytest.fixture
def open_queue(redis_url: str) -> Iterator[Callable[..., DeadLetterQueue]]:
    """Return what makes the dead letters of a new application on one server."""
    apps = []

    def open_queue(**settings: Any) -> DeadLetterQueue:
        given: Any = {"redis_url": redis_url, "business": False, **settings}
        app = PlatformApp("adopting", settings=Settings(**given), set_as_current=False)
        apps.append(app)
        return DeadLetterQueue(app, by="w@box")

    yield open_queue
    for app in apps:
        app.store.client.close()
        app.close()


@pytest.fixture
def queue(open_queue: Callable[..., DeadLetterQueue]) -> DeadLetterQueue:
    return open_queue()


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[events.Event]:
    """Return what is told of jobs that died."""
    monkeypatch.setattr(events, "_listeners", {})
    told: list[events.Event] = []
    events.listen(told.append)
    return told


def adopt_all(queue: DeadLetterQueue) -> int:
    with queue.app.connection_for_read() as connection:
        return adopt(queue, connection)


@pytest.mark.checklist(36)
def test_a_message_whose_attempt_was_to_be_tried_again_is_a_letter_all_the_same(
    queue: DeadLetterQueue, redis_db: redis.Redis, failures: list[events.Event]
) -> None:
    queue.store.decide("job", 1, attempt(1), AGAIN, None)  # and then its worker was killed
    redis_db.lpush(GRAVEYARD, buried(a_message()))

    assert adopt_all(queue) == 1
    letter = queue.show("job")
    assert (letter["cause"]["type"], letter["attempts"]) == ("DeliveryLimit", [attempt(1)])
    assert (redis_db.llen(GRAVEYARD), [event.kind for event in failures]) == (0, ["failed"])


def test_a_job_that_is_a_letter_is_not_told_of_again(
    queue: DeadLetterQueue, redis_db: redis.Redis, failures: list[events.Event]
) -> None:
    for _ in range(2):  # as if the one who adopts had been killed before it took the message out
        redis_db.lpush(GRAVEYARD, buried(a_message()))
        assert adopt_all(queue) == 1

    assert (len(queue), queue.show("job")["version"], len(failures)) == (1, 1, 1)
    assert redis_db.llen(GRAVEYARD) == 0


def test_what_a_newer_release_has_buried_or_nobody_understands_keeps_nobody_waiting(
    queue: DeadLetterQueue, redis_db: redis.Redis
) -> None:
    odd: Any = {"reason": "eclipse"}
    bad: Any = {"reason": ["what", "is", "that"], "workers": 7}
    for stored in (buried(a_message("bad"), **bad), buried(a_message("newer"), **odd), buried(a_message("last"))):
        redis_db.lpush(GRAVEYARD, stored)

    assert adopt_all(queue) == 3
    kinds = {letter["id"]: letter["cause"]["type"] for letter in queue.list()}
    assert (kinds.pop("newer"), kinds.pop("last")) == ("GivenUp", "DeliveryLimit")
    assert list(kinds.values()) == ["DecodeError"]
    assert redis_db.llen(GRAVEYARD) == 0


def test_a_message_that_nobody_signed_is_not_taken_for_the_job_that_it_says_it_is(
    open_queue: Callable[..., DeadLetterQueue], redis_db: redis.Redis
) -> None:
    queue = open_queue(signing=Signing(keys=new_key("new"), required=True))
    honest = {"task": "shop.ship", "id": "honest", "retries": 0}
    signature = signed(queue.settings.signing.ring, honest, BODY)["signature"]
    redis_db.lpush(GRAVEYARD, buried(a_message("honest", "[[1000000], {}, {}]", signature=signature)))
    redis_db.lpush(GRAVEYARD, buried(a_message("honest", signature=signature, **{"x-delivery-count": 4})))

    assert adopt_all(queue) == 2
    forged, true = sorted(queue.list(), key=lambda letter: letter["id"] == "honest")
    assert forged["id"].startswith("untrusted-")
    assert (forged["cause"]["type"], true["cause"]["type"]) == ("UntrustedMessage", "DeliveryLimit")


def test_several_workers_look_in_turn_and_over_one_connection_each(
    queue: DeadLetterQueue, redis_db: redis.Redis, failures: list[events.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, connect = [], queue.app.connection_for_read
    monkeypatch.setattr(queue.app, "connection_for_read", lambda: opened.append(None) or connect())
    monkeypatch.setattr("tasks_platform.letters.telling.watch._LOOK", 0.2)
    watches = [Watch(queue), Watch(queue)]
    for watch in watches:
        watch.start()
    try:
        for number in range(5):
            redis_db.lpush(GRAVEYARD, buried(a_message(f"job-{number}")))
            wait_for(lambda: redis_db.llen(GRAVEYARD) == 0, 10, "the adoption")
    finally:
        for watch in watches:
            watch.stop()
    assert (len(queue), len(failures)) == (5, 5)
    assert len(opened) <= 2


def test_a_replay_is_as_good_as_new_to_the_broker(queue: DeadLetterQueue, redis_db: redis.Redis) -> None:
    queue.app.task(ship, name="shop.ship", shared=False)
    redis_db.lpush(GRAVEYARD, buried(a_message(**{"x-delivery-count": 4, "x-delivery-died": ["w"], "k": 1})))
    adopt_all(queue)
    assert [attempt["attempt"] for attempt in queue.show("job")["attempts"]] == [5]
    queue.replay("job")

    (stored,) = (redis_db.rpop(key) for key in redis_db.keys("orders*"))
    headers = json.loads(stored)["headers"]
    assert (headers["k"], headers["retries"]) == (1, 5)  # no copy of an attempt that a worker died with
    assert not {"x-delivery-count", "x-delivery-died"} & set(headers)
