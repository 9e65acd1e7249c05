"""The queue that services are given, and its twin."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from tasks_platform import PermanentError, Priority, ReliableTask, task
from tasks_platform.errors import PayloadError
from tasks_platform.job_queue import JobQueue, MemoryJobQueue
from tasks_platform.sending import Call, call


class Receipt(BaseModel):
    order: UUID
    to: str


@task(base=ReliableTask)
def send_receipt(order: UUID, to: str) -> Receipt:
    if to == "nobody":
        raise PermanentError("there is nobody")
    return Receipt(order=order, to=to)


@task(base=ReliableTask)
async def measure(text: str) -> int:
    await asyncio.sleep(0)
    return len(text)


class Checkout:
    """A service that is given its queue."""

    def __init__(self, jobs: JobQueue) -> None:
        self.jobs = jobs

    def pay(self, order: UUID, to: str) -> str:
        return self.jobs.using(task_id=f"receipt:{order}", priority=Priority.HIGH).send(send_receipt, order, to).id


@pytest.mark.checklist(9)
def test_a_service_is_tested_with_the_twin_of_its_queue() -> None:
    queue = MemoryJobQueue()
    order = uuid4()

    assert Checkout(queue).pay(order, "ana@kontor.example") == f"receipt:{order}"
    assert Checkout(queue).pay(order, "ana@kontor.example") == f"receipt:{order}"
    (job,) = queue.jobs
    assert (job.task.name, job.args, job.options["priority"]) == (
        send_receipt.name,
        (order, "ana@kontor.example"),
        Priority.HIGH,
    )


def test_the_twin_refuses_what_the_queue_would_refuse() -> None:
    queue = MemoryJobQueue()

    with pytest.raises(PayloadError, match="order"):
        queue.send(send_receipt, "no order", "ana@kontor.example")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no priority"):
        queue.using(priority="urgent").send(send_receipt, uuid4(), "ana@kontor.example")
    assert queue.jobs == ()


def test_the_twin_runs_what_was_sent_and_answers_with_its_results() -> None:
    queue = MemoryJobQueue()
    order = uuid4()
    good, bad = queue.send(send_receipt, order, "ana@kontor.example"), queue.send(send_receipt, order, "nobody")
    assert good.state == bad.state == "PENDING"

    queue.work()

    assert good.get() == Receipt(order=order, to="ana@kontor.example")
    assert queue.job(send_receipt, good.id).get() == good.get()
    with pytest.raises(PermanentError, match="there is nobody"):
        bad.get()


def test_options_add_up_and_the_last_due_time_counts() -> None:
    queue = MemoryJobQueue()
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    later = queue.using(countdown=60, priority="low")

    later.using(eta=noon).send(send_receipt, uuid4(), "a")
    later.send(send_receipt, uuid4(), "b")
    queue.send(send_receipt, uuid4(), "c")

    assert [job.options for job in queue.jobs] == [
        {"priority": "low", "eta": noon},
        {"priority": "low", "countdown": 60},
        {},
    ]


def test_the_twin_sends_from_asyncio_code() -> None:
    queue = MemoryJobQueue()

    handle = asyncio.run(queue.asend(send_receipt, uuid4(), "ana@kontor.example"))

    assert handle.id == queue.jobs[0].id


def test_the_twin_keeps_many_or_none() -> None:
    queue = MemoryJobQueue(priority="low")
    good = [call(send_receipt, uuid4(), to).set(task_id=f"receipt:{to}") for to in ("ana", "ben")]

    with pytest.raises(PayloadError):
        queue.send_many([*good, Call(task=send_receipt, args=(1, 2, 3))])
    assert queue.jobs == ()
    handles = queue.send_many(good)

    assert [handle.id for handle in handles] == ["receipt:ana", "receipt:ben"]
    assert [job.options for job in queue.jobs] == [
        {"priority": "low", "task_id": "receipt:ana"},
        {"priority": "low", "task_id": "receipt:ben"},
    ]


def test_the_twin_runs_async_functions_also_inside_of_a_loop() -> None:
    queue = MemoryJobQueue()
    handle = queue.send(measure, "abc")

    async def work() -> None:
        queue.work()

    asyncio.run(work())

    assert handle.get() == 3
