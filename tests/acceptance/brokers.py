"""The brokers on which the acceptance tests hold, and what a test may ask each of them.

Results and records stay in a Redis server either way: Valkey, or Redis itself where that is the broker.
"""

from __future__ import annotations

import base64
import json
import os
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import redis
from kombu import Connection

from rabbitmq_server import STATISTICS

if TYPE_CHECKING:
    from rabbitmq_server import VirtualHost

#: The first is what tests run on unless ``TESTS_BROKER`` says another.
BROKERS = ("valkey", "redis", "rabbitmq")
#: The programs of the system that each of them needs.
PROGRAMS = {"valkey": (), "redis": ("redis-server",), "rabbitmq": ("rabbitmq-server", "epmd")}


def chosen() -> str:
    """Return the broker that was asked for."""
    kind = os.environ.get("TESTS_BROKER", BROKERS[0])
    assert kind in BROKERS, f"TESTS_BROKER={kind} is none of {', '.join(BROKERS)}"
    return kind


def was_asked_for() -> bool:
    """Tell whether one broker was asked for, instead of all."""
    return "TESTS_BROKER" in os.environ


class Broker(Protocol):
    """What the workers take their messages from."""

    #: The address; None where the Redis server of the records is the broker, too.
    url: str | None
    #: The number of the priority HIGH.
    high: int

    def owed(self) -> int:
        """Count the messages that were delivered and not acknowledged yet."""

    def waiting(self, queue: str = "default") -> int:
        """Count the messages of the level NORMAL that wait in *queue*."""

    def put(self, message: str, queue: str = "default") -> None:
        """Put a message in *queue* as a service in another language does; see `test_messages.by_hand`."""

    def peek(self, queue: str) -> dict[str, Any]:
        """Return the headers and the body of the message that waits in *queue*."""


@dataclass(frozen=True, kw_only=True)
class RedisBroker:
    """Redis or Valkey, by kombu's lists."""

    client: redis.Redis
    url: None = None
    high: int = 1

    def owed(self) -> int:
        return owed(self.client)

    def waiting(self, queue: str = "default") -> int:
        return int(self.client.llen(_list_of(queue)))

    def put(self, message: str, queue: str = "default") -> None:
        self.client.lpush(_list_of(queue), message)

    def peek(self, queue: str) -> dict[str, Any]:
        raw = json.loads(self.client.lindex(_list_of(queue), 0))
        return {"headers": raw["headers"], "body": base64.b64decode(raw["body"]).decode()}


@dataclass(frozen=True, kw_only=True)
class RabbitBroker:
    """A virtual host of RabbitMQ."""

    host: VirtualHost
    high: int = 8

    @property
    def url(self) -> str:
        return self.host.url

    def owed(self) -> int:
        time.sleep(STATISTICS)  # what it tells now may be of before a message was delivered
        return sum(queue.get("messages_unacknowledged", 0) for queue in self.host.queues().values())

    def waiting(self, queue: str = "default") -> int:
        with Connection(self.url) as connection, closing(connection.channel()) as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)

    def put(self, message: str, queue: str = "default") -> None:
        raw = json.loads(message)
        properties = raw["properties"]
        body = raw["body"].encode("utf-8", "surrogatepass")
        with Connection(self.url, transport_options={"confirm_publish": True}) as connection:
            channel = connection.default_channel
            sent = channel.prepare_message(
                base64.b64decode(body) if properties.get("body_encoding") == "base64" else body,
                content_type=raw["content-type"],
                content_encoding=raw["content-encoding"],
                headers=raw["headers"],
                properties={"correlation_id": properties["correlation_id"]},
            )
            channel.basic_publish(sent, exchange="", routing_key=queue, mandatory=True)

    def peek(self, queue: str) -> dict[str, Any]:
        with Connection(self.url) as connection:
            raw = connection.default_channel.basic_get(queue)
            return {"headers": raw.headers, "body": raw.body}


def owed(client: redis.Redis) -> int:
    """Count the messages of a Redis broker that workers have, under their leases or by kombu's own account."""
    claimed = sum(int(client.hlen(key)) for key in client.keys("leased:claimed:*"))
    return claimed + int(client.hlen("unacked"))


def _list_of(queue: str) -> str:
    return f"{queue}\x06\x163"
