"""A handle is Celery's result, of which most callers never ask anything."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from tasks_platform.payload import Payload
from tasks_platform.task.handle import JobHandle

if TYPE_CHECKING:
    from collections.abc import Iterator


def total() -> Decimal:
    return Decimal("1.10")


@pytest.fixture
def app() -> Iterator[Celery]:
    with Celery("handles", backend="cache+memory://", set_as_current=False) as app:
        yield app


@pytest.fixture
def handle(app: Celery) -> JobHandle[Decimal]:
    return JobHandle("one", app=app, payload=Payload(total, name="total"))


def test_it_knows_all_that_celerys_own_knows(app: Celery, handle: JobHandle[Decimal]) -> None:
    own: Any = AsyncResult("one", app=app)
    assert {*vars(own)} - {"on_ready"} == {*vars(handle)} - {"_payload"}
    assert (own.id, own.app, own.backend, own.parent, own.ignored) == (
        handle.id,
        handle.app,
        handle.backend,
        handle.parent,
        handle.ignored,
    )
    assert own == handle
    assert hash(own) == hash(handle)


def test_it_calls_what_it_was_told_to_call_when_the_job_has_ended(app: Celery, handle: JobHandle[Decimal]) -> None:
    told: list[Any] = []
    handle.on_ready.then(told.append)
    app.backend.store_result("one", "1.10", "SUCCESS")
    assert handle.state == "SUCCESS"
    assert told == [handle]
    assert handle.get() == Decimal("1.10")


def test_a_copy_reads_the_result_as_it_does(app: Celery, handle: JobHandle[Decimal]) -> None:
    app.backend.store_result("one", "1.10", "SUCCESS")
    assert copy.copy(handle).get() == Decimal("1.10")
    unpickled: Any = JobHandle(*handle.__reduce_args__())  # type: ignore[attr-defined]
    assert unpickled.get() == "1.10"  # the function is not pickled


def test_there_is_none_without_an_id() -> None:
    none: Any = None
    with pytest.raises(ValueError, match="None is no id"):
        JobHandle(none)
