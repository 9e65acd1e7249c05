"""Faults that strike inside a worker at an exact place. A test, or a task, arms one by creating its file.

Loaded into the workers of these tests only, those of the platform and those of plain Celery alike.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from amqp.exceptions import MessageNacked
from celery.backends.redis import RedisBackend
from celery.signals import worker_init
from kombu.transport.pyamqp import Channel as RabbitChannel
from kombu.transport.redis import Channel
from redis.exceptions import ConnectionError as Cut
from redis.exceptions import OutOfMemoryError

from tasks_platform.broker.leased.channel import Channel as LeasedChannel
from tasks_platform.broker.leased.qos import LeasedQoS
from tasks_platform.task import insist

#: The process dies before it counts its part of a chord.
DIES_BEFORE_COUNTING = "dies-before-counting"
#: The process dies when it is about to send a message.
DIES_BEFORE_SENDING = "dies-before-sending"
#: The process dies when it has just sent a message.
DIES_AFTER_SENDING = "dies-after-sending"
#: The connection breaks when a worker has claimed a message, and has not noted it yet; and when it just has.
CUT_BEFORE_NOTING = "cut-before-noting"
CUT_AFTER_NOTING = "cut-after-noting"
#: The connection breaks when a worker has handed a job to its pool, and none of its processes has it yet.
CUT_WHEN_HANDED = "cut-when-handed"
#: The results refuse to note once that a job was cancelled.
REFUSES_TO_REVOKE = "refuses-to-revoke"
#: The broker takes no message as long as the file is there.
REFUSES_MESSAGES = "refuses-messages"
#: Left behind by a broker that refused a message.
REFUSED = "refused"
#: Bytes that a result may have, far fewer than Redis takes.
LARGEST_RESULT = 1_000_000

_FOLDER = Path(os.environ.get("FAULTS", "/nonexistent"))
_count = RedisBackend.on_chord_part_return
_revoke = RedisBackend.mark_as_revoked
_note = LeasedQoS.append
_read = LeasedChannel._brpop_read
_publish = RabbitChannel.basic_publish_confirm
#: Where RabbitMQ takes jobs: what goes elsewhere (events, answers to remote control) is let through.
_FOR_JOBS = ("", "celery_delayed_27")


def arm(fault: str) -> None:
    """Let *fault* strike."""
    (_FOLDER / fault).touch()


def _strikes(fault: str) -> bool:
    """Tell whether *fault* is armed; it strikes once."""
    try:
        (_FOLDER / fault).unlink()
    except FileNotFoundError:
        return False
    return True


def _die_if(fault: str) -> None:
    """Kill this process if *fault* strikes."""
    if _strikes(fault):
        os.kill(os.getpid(), signal.SIGKILL)


def _cut_if(fault: str) -> None:
    """Break the connection if *fault* strikes."""
    if _strikes(fault):
        raise Cut("the connection was cut")


def _noting(qos: LeasedQoS, message: Any, tag: str) -> None:
    _cut_if(CUT_BEFORE_NOTING)
    _note(qos, message, tag)
    _cut_if(CUT_AFTER_NOTING)


def _reading(channel: LeasedChannel, **options: Any) -> Any:
    read = _read(channel, **options)
    _cut_if(CUT_WHEN_HANDED)
    return read


def _sending(put: Callable[..., None]) -> Callable[..., None]:
    @wraps(put)
    def sending(channel: Channel, queue: str, message: Any, **options: Any) -> None:
        _die_if(DIES_BEFORE_SENDING)
        if (_FOLDER / REFUSES_MESSAGES).exists():
            arm(REFUSED)
            raise OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'.")
        put(channel, queue, message, **options)
        _die_if(DIES_AFTER_SENDING)

    return sending


def _publishing(channel: RabbitChannel, message: Any, exchange: str = "", **options: Any) -> None:
    if exchange not in _FOR_JOBS:
        _publish(channel, message, exchange=exchange, **options)
        return
    _die_if(DIES_BEFORE_SENDING)
    if (_FOLDER / REFUSES_MESSAGES).exists():
        arm(REFUSED)
        raise MessageNacked
    _publish(channel, message, exchange=exchange, **options)
    _die_if(DIES_AFTER_SENDING)


def _counting(backend: RedisBackend, *args: Any, **options: Any) -> None:
    _die_if(DIES_BEFORE_COUNTING)
    _count(backend, *args, **options)


def _revoking(backend: RedisBackend, *args: Any, **options: Any) -> None:
    if _strikes(REFUSES_TO_REVOKE):
        raise OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'.")
    _revoke(backend, *args, **options)


for _kind in (Channel, LeasedChannel):
    _kind._put = _sending(_kind._put)
LeasedChannel._brpop_read = _reading
LeasedQoS.append = _noting
RabbitChannel.basic_publish_confirm = _publishing
RedisBackend.on_chord_part_return = _counting
RedisBackend.mark_as_revoked = _revoking
RedisBackend._MAX_STR_VALUE_SIZE = LARGEST_RESULT
#: Less than a minute for a server in trouble, where a test says so.
insist.PATIENCE = float(os.environ.get("PATIENCE", insist.PATIENCE))


@worker_init.connect
def _be_patient(sender: Any, **_: Any) -> None:
    """Give running jobs a while when the worker is told to stop."""
    sender.app.conf.worker_soft_shutdown_timeout = float(os.environ.get("SOFT_SHUTDOWN", "0"))
