"""What a type checker knows of tasks. Never run: mypy reads it, and flags every comment below that is not needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type
from uuid import UUID

from tasks_platform import (
    Event,
    PlatformTask,
    ProgressTask,
    ReliableTask,
    Retry,
    Sealed,
    Unique,
    UniqueTask,
    atrack,
    call,
    cron,
    current_run,
    enqueue_many,
    every,
    on_event,
    schedule,
    sending,
    task,
    track,
)
from tasks_platform.task.handle import JobHandle


class Receipt:
    """What a customer gets."""

    number: int


@task(Retry(max_attempts=8), Unique(by="order_id"), base=ReliableTask, queue="email", priority="high")
def send_receipt(order_id: UUID, copies: int = 1) -> Receipt:
    """Send the receipt of an order."""
    return Receipt()


@task(base=UniqueTask)
def clean_up() -> None:
    """Remove what nobody needs."""


@task(base=ProgressTask, bind=True)
def export(self: PlatformTask[..., Any], rows: list[int], *, name: str) -> str:
    """Write rows to a file."""
    for row in track(rows):
        assert_type(row, int)
    return name


@task(base=ReliableTask)
def reset_password(email: str, token: Sealed[str], codes: list[Sealed[int]] | None = None) -> Sealed[str]:
    """Mail the link that resets a password."""
    assert_type(token, str)
    return token.upper()


@task(base=ProgressTask, queue="web")
async def fetch(url: str, *, tries: int = 1) -> bytes:
    """Get a page."""
    async for row in atrack(numbers(), total=3):
        assert_type(row, int)
    return await current_run().aonce("fetch", lambda: body_of(url))


@task(base=ReliableTask, bind=True)
async def refresh(self: PlatformTask[..., Any], url: str) -> None:
    """Get a page again."""


async def numbers() -> AsyncIterator[int]:
    """Yield numbers."""
    yield 1


async def body_of(url: str) -> bytes:
    """Return what is there."""
    return url.encode()


async def an_async_function_gives_jobs_of_what_it_returns() -> None:
    assert_type(fetch.delay("x"), JobHandle[bytes])
    assert_type(fetch.delay("x").get(), bytes)
    assert_type(await fetch("x", tries=2), bytes)
    assert_type(await fetch.adelay("x"), JobHandle[bytes])
    assert_type(call(fetch, "x").send(), JobHandle[bytes])
    assert_type(enqueue_many([call(fetch, "x")]), list[JobHandle[bytes]])
    assert_type(refresh.delay("x"), JobHandle[None])
    fetch.delay(1)  # type: ignore[arg-type]
    fetch.delay("x", colour="red")  # type: ignore[call-arg]
    await fetch("x", tries="y")  # type: ignore[arg-type]


def a_sealed_parameter_takes_and_is_what_it_is_made_of() -> None:
    assert_type(reset_password.delay("ana", "token", [1]), JobHandle[str])
    assert_type(reset_password("ana", token="token"), str)
    reset_password.delay("ana", 7)  # type: ignore[arg-type]
    reset_password.delay("ana", "token", ["one"])  # type: ignore[list-item]


def a_call_is_checked_by_the_functions_own_signature(order: UUID) -> None:
    send_receipt.delay(order)
    send_receipt.delay(order_id=order, copies=2)
    clean_up.delay()
    send_receipt.delay("x")  # type: ignore[arg-type]
    send_receipt.delay(order, copies="two")  # type: ignore[arg-type]
    send_receipt.delay()  # type: ignore[call-arg]
    send_receipt.delay(order, 1, 2)  # type: ignore[call-arg]
    send_receipt.delay(order, colour="red")  # type: ignore[call-arg]
    clean_up.delay(order)  # type: ignore[call-arg]


def a_handle_knows_what_the_function_returns(order: UUID) -> None:
    assert_type(send_receipt.delay(order), JobHandle[Receipt])
    assert_type(send_receipt.delay(order).get(), Receipt)
    assert_type(send_receipt.apply_async((order,), priority="low").get(timeout=5), Receipt)
    assert_type(send_receipt.AsyncResult("job-1").get(), Receipt)
    assert_type(clean_up.delay(), JobHandle[None])
    send_receipt.delay(order).get().colour  # type: ignore[attr-defined]  # noqa: B018 - mypy has to flag it


def a_bound_task_leaves_its_first_parameter_to_the_platform() -> None:
    assert_type(export.delay([1, 2], name="rows.csv"), JobHandle[str])
    assert_type(export.delay([1, 2], name="rows.csv").get(), str)
    export.delay(export, name="rows.csv")  # type: ignore[arg-type]
    export.delay(["one"], name="rows.csv")  # type: ignore[list-item]
    export.delay([1, 2])  # type: ignore[call-arg]


def a_moment_or_a_duration_comes_before_the_arguments(order: UUID) -> None:
    assert_type(send_receipt.send_at(datetime.now(UTC), order, copies=2), JobHandle[Receipt])
    assert_type(send_receipt.send_after(timedelta(hours=1), order), JobHandle[Receipt])
    send_receipt.send_after(60, order)
    send_receipt.send_at(60, order)  # type: ignore[arg-type]
    send_receipt.send_after(60, "x")  # type: ignore[arg-type]
    send_receipt.apply_async((order,), max_attempts="many")  # type: ignore[arg-type]


def many_calls_are_checked_like_one(order: UUID) -> None:
    receipts = [
        call(send_receipt, order).set(priority="low", countdown=timedelta(minutes=1)),
        call(send_receipt, order),
    ]
    assert_type(enqueue_many(receipts), list[JobHandle[Receipt]])
    assert_type(enqueue_many([send_receipt.s(order)]), list[JobHandle[Receipt]])
    call(send_receipt, "x")  # type: ignore[arg-type]
    call(send_receipt, order, colour="red")  # type: ignore[call-arg]
    call(send_receipt, order).set(task_id=7)  # type: ignore[arg-type]
    enqueue_many([order])  # type: ignore[arg-type]
    enqueue_many([call(send_receipt, order), call(clean_up)])


def a_word_takes_the_arguments_of_the_task(order: UUID) -> None:
    assert_type(sending.critical(send_receipt, order), JobHandle[Receipt])
    sending.user_action(send_receipt, order, copies=2)
    sending.background_sync(clean_up)
    sending.cleanup(clean_up)
    sending.critical(send_receipt, "x")  # type: ignore[arg-type]


async def asyncio_services_wait_for_sending_only(order: UUID) -> None:
    assert_type(await send_receipt.adelay(order), JobHandle[Receipt])
    await send_receipt.adelay("x")  # type: ignore[arg-type]
    send_receipt.adelay(order).get()  # type: ignore[attr-defined]  # not awaited


def a_direct_call_is_the_function(order: UUID) -> None:
    assert_type(send_receipt(order), Receipt)
    send_receipt("x")  # type: ignore[arg-type]


def a_step_returns_what_its_effect_returns() -> None:
    assert_type(current_run().once("charge", lambda: 7), int)


def options_of_policies_are_checked() -> None:
    Retry(max_retries=5)  # type: ignore[call-arg]
    Retry(backoff="quadratic")  # type: ignore[arg-type]
    Unique(by=["order_id"])  # type: ignore[arg-type]
    Unique(until="finished")  # type: ignore[arg-type]
    task(base=ReliableTask, queue=7)  # type: ignore[call-overload]
    task("retry", base=ReliableTask)  # type: ignore[call-overload]


@on_event("failed")
def pages(event: Event) -> None:
    """Wake somebody."""
    assert_type(event.attempt, int)


@on_event()  # type: ignore[type-var]
def hears_a_job_id(job_id: str) -> None:
    """Expect what no listener gets."""


def what_a_schedule_runs_is_checked_by_the_functions_own_signature(order: UUID) -> None:
    schedule("receipts", cron("0 2 * * *", zone="Europe/Berlin"), misfire="skip").runs(send_receipt, order, copies=2)
    schedule("receipts", every(minutes=15)).runs(send_receipt, "x")  # type: ignore[arg-type]
    schedule("receipts", every(minutes=15)).runs(send_receipt, order, colour="red")  # type: ignore[call-arg]
    schedule("receipts", every(minutes=15)).runs(send_receipt)  # type: ignore[call-arg]
    schedule("receipts", every(minutes=15), misfire="never")  # type: ignore[arg-type]
