"""What the leased transport leans on inside kombu: a release that changes it fails here, by name."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

import kombu
import pytest
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from redis.connection import SSLConnection

from tasks_platform.broker.leased.channel import Channel
from tasks_platform.broker.leased.following import SentinelChannel
from tasks_platform.broker.leased.message import Message
from tasks_platform.broker.leased.qos import LeasedQoS
from tasks_platform.broker.leased.transport import Transport

BROKER: Any = kombu_redis

SIGNATURES = {
    BROKER.Channel: {
        "_put": "(self, queue, message, **kwargs)",
        "_get": "(self, queue)",
        "_size": "(self, queue)",
        "_purge": "(self, queue)",
        "_delete": "(self, queue, exchange, routing_key, pattern, *args, **kwargs)",
        "_has_queue": "(self, queue, **kwargs)",
        "_brpop_start": "(self, timeout=None)",
        "_brpop_read": "(self, **options)",
        "close": "(self)",
        "basic_consume": "(self, queue, *args, **kwargs)",
        "basic_get": "(self, queue, no_ack=False, **kwargs)",
        "_basic_cancel": "(self, consumer_tag)",
        "_connparams": "(self, asynchronous=False)",
        "_disconnect_pools": "(self)",
        "queue_delete": "(self, queue, if_unused=False, if_empty=False, **kwargs)",
        "_flush_brpop_reauth": "(self)",
        "_on_connection_disconnect": "(self, connection)",
        "_maybe_update_queues_expire": "(self, client, queue)",
        "_lookup": "(self, exchange, routing_key, default=None)",
        "_get_message_priority": "(self, message, reverse=False)",
        "_next_delivery_tag": "(self)",
        "basic_publish": "(self, message, exchange, routing_key, **kwargs)",
        "prepare_message": (
            "(self, body, priority=None, content_type=None, content_encoding=None, headers=None, properties=None)"
        ),
        "priority": "(self, n)",
        "_prepare_virtual_host": "(self, vhost)",
        "create_publish_batch": "(self, max_size)",
    },
    virtual.QoS: {
        "append": "(self, message, delivery_tag)",
        "ack": "(self, delivery_tag)",
        "reject": "(self, delivery_tag, requeue=False)",
        "restore_unacked": "(self)",
        "restore_unacked_once": "(self, stderr=None)",
        "restore_visible": "(self, *args, **kwargs)",
        "can_consume": "(self)",
        "can_consume_max_estimate": "(self)",
        "_flush": "(self)",
    },
    BROKER.PublishBatch: {
        "__init__": "(self, channel, max_size)",
        "publish": "(self, message, **kwargs)",
        "add": "(self, name, *args)",
        "flush": "(self)",
        "discard": "(self)",
    },
    BROKER.Transport: {
        "register_with_event_loop": "(self, connection, loop)",
        "_deliver": "(self, message, queue)",
    },
    BROKER.MultiChannelPoller: {"_register_BRPOP": "(self, channel)", "on_poll_start": "(self)"},
}
#: Our classes, the classes of kombu below them, and what these call the objects beside them.
OURS: dict[Any, Any] = {
    Channel: BROKER.Channel,
    SentinelChannel: BROKER.Channel,
    LeasedQoS: virtual.QoS,
    Message: virtual.Message,
    Transport: BROKER.Transport,
}
BESIDE = {"self.connection": BROKER.Transport, "self.qos": LeasedQoS, "self.channel": Channel}


def own_classes(kind: Any) -> list[Any]:
    return [one for one in kind.__mro__ if one.__module__.startswith("tasks_platform")]


@cache
def names_of(kind: Any) -> set[str]:
    """Return what *kind* and the classes below it define; ours make nothing up but in their bodies and beginnings."""
    found = set(dir(kind))
    for one in kind.__mro__[:-1]:
        source = ast.parse(textwrap.dedent(inspect.getsource(one)))
        ours = one in own_classes(kind)
        begins = [it for it in ast.walk(source) if isinstance(it, ast.FunctionDef) and it.name == "__init__"]
        for node in [node for it in (begins if ours else [source]) for node in ast.walk(it)]:
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Store)
                and ast.unparse(node.value) == "self"
            ):
                found.add(node.attr)
    return found


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_method_of_kombu_that_is_replaced_is_called_as_it_was(kind: Any) -> None:
    base = OURS[kind]
    replaced = {name for one in own_classes(kind) for name, it in vars(one).items() if inspect.isfunction(it)}
    assert {name for name in replaced if hasattr(base, name)} - {"__init__"} <= set(SIGNATURES.get(base, {}))


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_name_that_is_used_is_there(kind: Any) -> None:
    known = {"self": names_of(kind), "super()": names_of(OURS[kind])}
    known |= {place: names_of(beside) for place, beside in BESIDE.items()}
    for one in own_classes(kind):
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(one)))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                place = ast.unparse(node.value)
                assert node.attr in known.get(place, {node.attr}), f"{place}.{node.attr} of {one.__name__}"


def test_kombu_is_of_the_series_that_was_read() -> None:
    assert kombu.__version__.startswith("5.7."), "read the transport again, then widen the bounds in pyproject.toml"


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, methods in SIGNATURES.items() for name in methods], ids=str
)
def test_a_method_is_called_as_it_was(kind: Any, name: str) -> None:
    assert str(inspect.signature(getattr(kind, name))) == SIGNATURES[kind][name]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (BROKER.Channel.__init__, ["'BRPOP': self._brpop_read", "self.brpop_timeout = self.connection.brpop_timeout"]),
        (BROKER.Channel.close, ["self._closing = True", "if self._in_poll:", "self._brpop_read()"]),
        (BROKER.Channel._brpop_start, ["self._queue_cycle.consume(", "self._in_poll =", "self._brpop_sent_at ="]),
        (
            BROKER.Channel._brpop_read,
            ["self._in_poll = None", "self._queue_cycle.rotate(", "self._flush_brpop_reauth()"],
        ),
        (BROKER.MultiChannelPoller._register_BRPOP, ["if not channel._in_poll:", "channel._brpop_start()"]),
        (BROKER.MultiChannelPoller.on_poll_start, ["channel.qos.can_consume()"]),
        (BROKER.MultiChannelPoller.maybe_check_brpop_health, ["channel._brpop_sent_at", "channel.brpop_timeout"]),
        (kombu.Connection.__init__, ["hostname.split('+', 1)", "self.uri_prefix = params['transport']"]),
        (kombu.Connection.switch, ["parse_url(conn_str)", "self._init_params("]),
        (kombu.Connection.maybe_switch_next, ["if self.cycle:"]),
        (virtual.Channel.close, ["self._qos.restore_unacked_once()"]),
        (virtual.Channel.basic_consume, ["self.qos.append(message, message.delivery_tag)"]),
        (virtual.QoS.ack, ["self._quick_ack(delivery_tag)"]),
        (virtual.QoS.__init__, ["self._on_collect = Finalize(", "self._delivered = OrderedDict()"]),
    ],
    ids=lambda it: getattr(it, "__qualname__", ""),
)
def test_what_is_relied_on_inside_a_method_is_there(where: Any, words: list[str]) -> None:
    source = inspect.getsource(where)
    assert [word for word in words if word not in source] == []


def test_connections_are_opened_and_read_as_they_were() -> None:
    """Those of redis-py: `MasterConnection` and `Confirming` stand in front of them."""
    connect = inspect.getsource(SSLConnection.connect_check_health)
    assert "self._connect()" in connect
    assert "self.on_connect_check_health(check_health=check_health)" in connect
    assert "super()._connect()" in inspect.getsource(SSLConnection._connect)
    assert "self.send_packed_command(" in inspect.getsource(SSLConnection.send_command)
    assert str(inspect.signature(SSLConnection.send_packed_command)) == "(self, command, check_health=True)"
    assert str(inspect.signature(SSLConnection.can_read)) == "(self, timeout: float = 0) -> bool"


def test_the_commands_of_a_batch_get_kombus_prefix() -> None:
    assert {"LPUSH", "ZADD", "PEXPIRE"} <= set(BROKER.GlobalKeyPrefixMixin.PREFIXED_SIMPLE_COMMANDS)


def test_others_see_a_redis_transport() -> None:
    assert (Transport.driver_type, Transport.Channel, Channel.QoS) == ("redis", Channel, LeasedQoS)
    assert set(BROKER.Channel.from_transport_options) < set(Channel.from_transport_options)
    assert Transport.implements == BROKER.Transport.implements
