"""The same jobs on Celery as it comes: what these workers lose, hang or repeat is what the platform is for."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from celery import Celery, Task
from kombu import Queue

from acceptance.diary import note, read
from acceptance.faults import DIES_AFTER_SENDING, REFUSES_MESSAGES, arm

BROKER = os.environ.get("PLAIN_BROKER", os.environ["PLAIN_URL"])

app = Celery("plain", broker=BROKER, backend=os.environ["PLAIN_URL"])
app.conf.broker_connection_retry_on_startup = True
if BROKER.startswith("amqp:"):  # a queue of the platform, which has declared it
    app.conf.task_queues = [Queue("abroad", no_declare=True, queue_arguments={"x-queue-type": "quorum"})]


@app.task(acks_late=True, reject_on_worker_lost=True)
def add(x: int, y: int) -> int:
    return x + y


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def sleeps_the_first_time(diary: str) -> None:
    note(diary, "started")
    if len(read(diary)) == 1:
        time.sleep(60)


@app.task(bind=True, acks_late=True)
def retries_while_the_broker_refuses(self: Task[..., Any], diary: str) -> None:
    note(diary, self.request.retries + 1)
    if self.request.retries == 0:
        arm(REFUSES_MESSAGES)
        raise self.retry(countdown=0)


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def dies_when_its_retry_is_sent(self: Task[..., Any], diary: str) -> None:
    note(diary, self.request.retries + 1)
    if len(read(diary)) == 1:
        arm(DIES_AFTER_SENDING)
    if self.request.retries == 0:
        raise self.retry(countdown=0)


@app.task(bind=True, autoretry_for=(ConnectionError,), max_retries=2, default_retry_delay=0, acks_late=True)
def asks_for_one_retry_or_fails(self: Task[..., Any], diary: str, asks: int) -> None:
    note(diary, self.request.retries + 1)
    if not asks:
        raise ConnectionError("down")
    if self.request.retries == 0:
        raise self.retry(max_retries=1)


@app.task(name="acceptance.shop.ships")
def reads_what_the_platform_sent(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@app.task
def is_killed(diary: str) -> None:
    note(diary, "started")
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(acks_late=True)
def is_slow(diary: str) -> None:
    note(diary, "started")
    time.sleep(3)


@app.task(acks_late=True)
def waits(diary: str, name: str) -> None:
    note(diary, name)
    while not Path(diary).with_suffix(".end").exists():
        time.sleep(0.02)
