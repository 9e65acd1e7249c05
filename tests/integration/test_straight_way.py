"""The straight way to the broker leads to what Celery's own leads to."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import shared_task, signature
from celery.signals import after_task_publish, before_task_publish
from kombu import Exchange, Queue
from pydantic import SecretStr
from redis import Redis

from forked_processes import run_at_once
from redis_proxy import redis_proxy
from tasks_platform import Priority, ReliableTask, Sealed, call, create_app, enqueue_many, task
from tasks_platform.policies import Deadline
from tasks_platform.sealing import SIGNATURE, new_key
from tasks_platform.settings import Settings
from tasks_platform.settings.sealing import Sealing
from tasks_platform.settings.signing import Signing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

#: What is new in each message.
NEW = frozenset({"id", "root_id", "correlation_id", "delivery_tag", "due", "copy", "expiration"})
TOMORROW = datetime.now(UTC) + timedelta(days=1)
NEXT = signature("shop.next", (1,), {"word": "two"})


@task(Deadline(hard=60, soft=50), base=ReliableTask)
def ships(number: int, word: str = "", *, tags: list[str] | None = None) -> int:
    """Ship an order."""
    return number


@task(base=ReliableTask, queue="post", priority=Priority.HIGH)
def mails(token: Sealed[str]) -> None:
    """Send a mail."""


@shared_task(name="straight.bare")
def bare(number: int) -> None:
    """Do nothing."""


@pytest.fixture
def connect(redis_url: str) -> Iterator[Callable[..., PlatformApp]]:
    """Return what makes an application; its queues are declared."""
    opened = []

    def connect(**options: Any) -> PlatformApp:
        app = create_app(Settings(redis_url=redis_url, business=False, **options))
        app.set_current()
        opened.append(app)
        return app

    yield connect
    for app in opened:
        app.store.client.close()
        app.close()


@pytest.fixture
def app(connect: Callable[..., PlatformApp]) -> PlatformApp:
    return connect(sealing=Sealing(keys=SecretStr(new_key("new"))))


def sent(client: Redis, send: Callable[[], object]) -> list[dict[str, Any]]:
    """Return the messages that *send* has put anywhere, oldest first."""
    client.flushdb()
    send()
    found: list[Any] = []
    for key in sorted(client.keys("*")):
        if client.type(key) == b"list":
            found += [(key, raw) for raw in reversed(client.lrange(key, 0, -1))]
        elif key.startswith(b"leased:delayed:"):
            found += [(key, raw.rpartition(b"|")[2]) for raw in client.zrange(key, 0, -1)]
    return [{"key": key, **readable(json.loads(raw))} for key, raw in found]


def readable(message: dict[str, Any]) -> dict[str, Any]:
    body = b64decode(message["body"])
    return {**message, "body": json.loads(body) if body.startswith(b"[") else body}


def known(part: Any) -> Any:
    """Return *part* of a message without what is new in each."""
    if isinstance(part, dict):
        return {name: known(value) for name, value in part.items() if name not in NEW}
    return [known(inner) for inner in part] if isinstance(part, list) else part


def both_ways(app: PlatformApp, client: Redis, send: Callable[[], object]) -> tuple[list[Any], list[Any]]:
    """Return what arrives the straight way, and Celery's own."""
    send()  # declares the queue
    straight = sent(client, send)
    way, app.__dict__["straight_way"] = app.straight_way, None
    own = sent(client, send)
    app.__dict__["straight_way"] = way
    return known(straight), known(own)


CALLS: dict[str, Callable[[Any], object]] = {
    "delay": lambda tasks: tasks["ships"].delay(1, "word", tags=["a", "ä", "'"]),
    "long arguments": lambda tasks: tasks["ships"].delay(1, "word" * 500, tags=["\n\\"] * 100),
    "levels": lambda tasks: [tasks["ships"].apply_async((n,), priority=level) for n, level in enumerate(Priority)],
    "headers": lambda tasks: tasks["ships"].apply_async((1,), headers={"x-trace": "t", "at": TOMORROW}),
    "a tenant": lambda tasks: tasks["ships"].apply_async((1,), tenant="acme", max_attempts=2),
    "an id": lambda tasks: tasks["ships"].apply_async((1,), task_id="order-1"),
    "a moment": lambda tasks: tasks["ships"].send_at(TOMORROW, 1),
    "a queue": lambda tasks: tasks["ships"].apply_async((1,), queue="elsewhere"),
    "links": lambda tasks: tasks["ships"].apply_async((1,), link=NEXT, link_error=[NEXT, NEXT]),
    "a chain": lambda tasks: tasks["ships"].apply_async((1,), chain=[NEXT], shadow="shown", argsrepr="(***)"),
    "limits": lambda tasks: tasks["ships"].apply_async((1,), time_limit=5, soft_time_limit=3, ignore_result=True),
    "expires": lambda tasks: tasks["ships"].apply_async((1,), expires=TOMORROW),
    "compressed": lambda tasks: tasks["ships"].apply_async((1, "word" * 500), compression="zlib"),
    "sealed": lambda tasks: tasks["mails"].delay("planted"),
    "bare": lambda tasks: tasks["bare"].delay(1),
    "bare with options": lambda tasks: tasks["bare"].apply_async((1,), priority=6, eta=TOMORROW, link=NEXT, retries=2),
    "by name": lambda tasks: tasks["app"].send_task("somewhere.else", (1,), {"a": 1}, queue="elsewhere"),
    "by its name": lambda tasks: tasks["app"].send_task(tasks["ships"].name, (1,)),
    "by its name, home": lambda tasks: tasks["app"].send_task(tasks["mails"].name, ({"sealed": "x"},)),
    "many": lambda tasks: enqueue_many([call(tasks["ships"], n).set(priority=n) for n in (0, 3, 3, 9)]),
}


def tasks_of(app: PlatformApp) -> dict[str, Any]:
    names = {"ships": f"{__name__}.ships", "mails": f"{__name__}.mails", "bare": "straight.bare"}
    return {"app": app, **{name: app.tasks[full] for name, full in names.items()}}


@pytest.mark.parametrize("name", CALLS)
def test_both_ways_lead_to_the_same_messages(app: PlatformApp, redis_db: Redis, name: str) -> None:
    straight, own = both_ways(app, redis_db, lambda: CALLS[name](tasks_of(app)))
    if name == "sealed":
        for message in (*straight, *own):
            message["body"][0] = "sealed anew each time"
    for message in own:
        message["properties"].pop("argsrepr", None)  # which Celery also puts there, and nobody reads
    assert own != []
    assert straight == own


def test_a_message_is_signed_on_both_ways(connect: Callable[..., PlatformApp], redis_db: Redis) -> None:
    app = connect(signing=Signing(keys=SecretStr(new_key("new"))))
    (straight,), (own,) = both_ways(app, redis_db, lambda: tasks_of(app)["ships"].delay(1))
    assert straight["headers"].pop(SIGNATURE)
    assert own["headers"].pop(SIGNATURE)
    assert straight == own


def test_a_queue_is_declared_before_its_first_message(app: PlatformApp, redis_db: Redis) -> None:
    tasks_of(app)["ships"].apply_async((1,), queue="elsewhere")
    assert redis_db.smembers("_kombu.binding.elsewhere") == {b"elsewhere\x06\x16\x06\x16elsewhere"}


def test_a_queue_of_another_kind_is_reached_on_celerys_own_way(app: PlatformApp, redis_db: Redis) -> None:
    topic = Exchange("news", type="topic")
    app.amqp.queues.add(Queue("all", topic, routing_key="news.#"))
    app.amqp.queues.add(Queue("sport", topic, routing_key="news.sport"))
    tasks_of(app)["ships"].apply_async((1,), queue="sport")
    assert (redis_db.llen("sport\x06\x163"), redis_db.llen("all\x06\x163")) == (1, 0)
    with app.connection_for_write() as connection:
        app.amqp.queues["all"].bind(connection.default_channel).declare()
    tasks_of(app)["ships"].apply_async((1,), queue="sport")
    assert (redis_db.llen("sport\x06\x163"), redis_db.llen("all\x06\x163")) == (2, 1)


def test_who_listens_to_what_is_sent_may_change_it(app: PlatformApp, redis_db: Redis) -> None:
    told: list[str] = []

    def mark(headers: dict[str, Any], **_: Any) -> None:
        headers["x-mark"] = "seen"

    def tell(headers: dict[str, Any], **_: Any) -> None:
        told.append(headers["id"])

    after_task_publish.connect(tell)
    first = tasks_of(app)["ships"].delay(1)
    before_task_publish.connect(mark)
    try:
        (message,) = sent(redis_db, lambda: tasks_of(app)["ships"].delay(2))
    finally:
        before_task_publish.disconnect(mark)
        after_task_publish.disconnect(tell)
    assert message["headers"]["x-mark"] == "seen"
    assert told == [first.id, message["headers"]["id"]]


def test_a_connection_that_was_closed_meanwhile_costs_no_message(app: PlatformApp, redis_db: Redis) -> None:
    tasks_of(app)["ships"].delay(0)
    for number in range(1, 5):
        for told in redis_db.client_list():
            if told["id"] != str(redis_db.client_id()):
                redis_db.client_kill_filter(_id=told["id"])
        tasks_of(app)["ships"].delay(number)
    found = [readable(json.loads(raw))["body"][0] for raw in redis_db.lrange("default\x06\x163", 0, -1)]
    assert found == [[4], [3], [2], [1], [0]]


def test_a_job_is_sent_once_when_its_answer_is_cut_off(
    connect: Callable[..., PlatformApp], redis_server: RedisServer
) -> None:
    with redis_proxy(redis_server.port) as proxy:
        app = connect(broker_url=f"leased+{proxy.url}")
        ships = tasks_of(app)["ships"]
        ships.delay(0)
        proxy.cut(b"EVALSHA", 1, "reply", lasting=False)
        ships.delay(1)
        proxy.cut(b"EVALSHA", 1, "request", lasting=False)
        ships.delay(2)
    with Redis.from_url(redis_server.url) as client:
        found = [readable(json.loads(raw))["body"][0] for raw in client.lrange("default\x06\x163", 0, -1)]
    assert found == [[2], [1], [0]]


def test_processes_that_were_forked_send_over_connections_of_their_own(redis_url: str, redis_db: Redis) -> None:
    run_at_once(
        3,
        """
        import sys
        from tasks_platform import create_app, task, ReliableTask
        from tasks_platform.settings import Settings
        app = create_app(Settings(redis_url=sys.argv[1], business=False))
        @task(base=ReliableTask, name="forked.ships")
        def ships(number: int) -> None: ...
        ships.delay(-1)
        def work(number):
            for count in range(50):
                ships.delay(100 * number + count)
        """,
        redis_url,
    )
    found = [readable(json.loads(raw)) for raw in redis_db.lrange("default\x06\x163", 0, -1)]
    assert sorted(one["body"][0][0] for one in found) == [
        -1,
        *(100 * n + count for n in range(3) for count in range(50)),
    ]
    assert len({one["properties"]["delivery_tag"] for one in found}) == len(found)
