from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, SecretStr, field_validator

from payload_samples import (
    ORDER,
    SECRET,
    Color,
    Corner,
    Draft,
    Line,
    Login,
    Pixel,
    Point,
    Size,
    codec,
    one,
    ship,
)
from tasks_platform.errors import PayloadError, TaskDefinitionError


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (Decimal | str, Decimal("1.5")),
        (list[Decimal | str], [Decimal("1.5")]),
        (UUID | str, UUID(int=7)),
        (datetime | str, datetime(2026, 10, 1, tzinfo=UTC)),
        (Any, Decimal("1.5")),
        (list[Any], [date(2026, 10, 1)]),
        (Any, (1, 2)),
        (Any, Size.S),
        (Any, {1: 2}),
        (Any, b"x"),
        (Any, object()),
        (object, object()),
        (Point, Pixel(x=1, color=Color.RED)),
        (list[Point], [Pixel(x=1, color=Color.RED)]),
        (Corner, Corner.TOP),
        (Draft, Draft(text="a", note="lost")),
        (Login, Login(name="a", password=SECRET)),
        (float, float("nan")),
        (float, float("inf")),
        (list[float], [1.0, float("nan")]),
        (dict[str, list[float]], {"a": [float("-inf")]}),
        (Any, float("inf")),
        (bytes, b"\xff"),
    ],
)
def test_a_value_that_would_arrive_as_something_else_is_refused_where_it_is_sent(hint, value):
    with pytest.raises(PayloadError, match=r"shop\.tasks\.ship: parameter 'value'"):
        one(hint).write((value,), {})


def test_a_model_that_was_broken_after_it_was_made_is_refused_without_being_quoted():
    with pytest.raises(PayloadError, match="parameter 'value'") as caught:
        one(Line).write((Line.model_construct(sku="a", price=SECRET),), {})
    assert SECRET not in str(caught.value)


@pytest.mark.checklist(4)
@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((), {"order": ORDER}, ["lines: Missing"]),
        ((SECRET, []), {}, ["order: Input should be a valid UUID"]),
        ((SECRET, SECRET), {"color": SECRET}, ["order: ", "lines: ", "color: "]),
        ((ORDER, [{"sku": "a", "price": 1}, {"sku": "a", "price": SECRET}]), {}, ["lines.1.price: "]),
        ((), {"order": ORDER, "lines": [{"sku": SECRET}]}, ["lines.0.price: Field required"]),
        ((ORDER, [], 1, SECRET), {}, ["more[1]: Input should be a valid integer"]),
        ((ORDER, []), {"colour": SECRET}, ["colour: Unexpected keyword argument"]),
        ((ORDER, []), {"order": SECRET}, ["order: Got multiple values"]),
        ((ORDER, []), {"color": SECRET}, ["color: Input should be 'red' or 'blue'"]),
        ((ORDER, []), {"payment": {"kind": SECRET}}, ["payment: 'kind' has to be one of 'card', 'iban'"]),
        ((ORDER, []), {"payment": {"kind": "card", "digits": SECRET}}, ["payment.card.digits: "]),
    ],
)
@pytest.mark.parametrize("side", ["write", "read"])
def test_a_wrong_call_is_refused_by_parameter_and_never_quoted(args, kwargs, expected, side):
    with pytest.raises(PayloadError, match=r"shop\.tasks\.ship\(order: ") as caught:
        getattr(codec(ship), side)(args, kwargs)

    problems = str(caught.value).partition("): ")[2]
    assert [words for words in expected if words not in problems] == []
    assert SECRET not in str(caught.value)


def test_arguments_that_are_too_many_are_counted_as_people_count():
    def pack(order: UUID): ...

    with pytest.raises(PayloadError, match="argument 2: Unexpected positional argument"):
        codec(pack).write((ORDER, SECRET), {})


def test_a_validator_of_the_callers_model_has_its_say():
    class Weight(BaseModel):
        grams: int

        @field_validator("grams")
        @classmethod
        def _positive(cls, grams: int) -> int:
            if grams <= 0:
                raise ValueError("a parcel weighs something")
            return grams

    with pytest.raises(PayloadError, match=r"value\.grams: Value error, a parcel weighs something"):
        one(Weight).write(({"grams": -1},), {})


class Handle:
    """A class that JSON knows nothing of."""


def of_handle(handle: Handle): ...
def of_handles(handles: list[Handle]): ...
def returns_a_handle() -> Handle: ...
def of_unknown(order: Odrer): ...  # type: ignore[name-defined]  # noqa: F821
def of_secret(password: SecretStr): ...
def of_secrets(passwords: dict[str, SecretStr | None]): ...


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (of_handle, "Handle"),
        (of_handles, "Handle"),
        (returns_a_handle, "Handle"),
        (of_unknown, "Odrer"),
        (of_secret, "'password' is a secret"),
        (of_secrets, "'passwords' is a secret"),
    ],
)
def test_an_annotation_that_cannot_travel_is_refused_at_import(function, hint):
    with pytest.raises(TaskDefinitionError, match=hint) as caught:
        codec(function)
    assert str(caught.value).startswith("shop.tasks.ship: ")
