"""JSON is written and read as kombu does it."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.serialization import dumps, loads
from kombu.utils import json as kombus

from tasks_platform.broker import quick_json

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Order:
    def __json__(self) -> dict[str, int]:
        return {"order": 7}


@given(PLAIN)
def test_plain_values_are_the_same_text_and_come_back(value: Any) -> None:
    assert quick_json.write(value) == kombus.dumps(value)
    assert quick_json.read(quick_json.write(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 2, tzinfo=UTC),
        date(2026, 1, 2),
        time(3, 4),
        Decimal("1.10"),
        uuid.UUID(int=7),
        b"bytes",
        b"\xff",
        Order(),
        float("nan"),
        (1, [2]),
        {1: "one"},
    ],
)
def test_other_values_are_what_kombu_makes_of_them(value: Any) -> None:
    text = kombus.dumps([value])
    assert quick_json.write([value]) == text
    for form in (text, text.encode(), bytearray(text.encode()), memoryview(text.encode())):
        assert repr(quick_json.read(form)) == repr(kombus.loads(form))


@pytest.mark.parametrize("bad", ["", "{", b"\xff", '{"__type__": "unheard-of", "__value__": 1}', "\ufeff1"])
def test_what_kombu_refuses_is_refused(bad: Any) -> None:
    for read in (kombus.loads, quick_json.read):
        with pytest.raises(ValueError):  # noqa: PT011 - its words are kombu's or Python's
            read(bad)


def test_what_cannot_be_written_is_refused() -> None:
    for write in (kombus.dumps, quick_json.write):
        with pytest.raises(TypeError):
            write(object())


def test_kombu_uses_it_once_it_is_told() -> None:
    quick_json.register()
    assert dumps({"a": b"b"}, "json") == ("application/json", "utf-8", kombus.dumps({"a": b"b"}))
    assert loads(b'{"a": 1}', "application/json", "utf-8") == {"a": 1}


@pytest.mark.parametrize("text", [" [1] ", "\n{}\t", "[1] 2", "1 ", "nul", "[1"])
def test_blanks_and_what_is_left_over_are_kombus_too(text: str) -> None:
    assert outcome(quick_json.read, text) == outcome(kombus.loads, text)


def test_what_holds_itself_or_cannot_be_written_is_refused_as_kombu_refuses_it() -> None:
    itself: list[Any] = []
    itself.append({"inner": itself})
    for value in (itself, {"it": object()}, {(1, 2): 3}):
        assert outcome(quick_json.write, value) == outcome(kombus.dumps, value)
        assert isinstance(outcome(quick_json.write, value), type)


def outcome(action: Any, value: Any) -> Any:
    """Return what *action* makes of *value*, or the type of its error."""
    try:
        return action(value)
    except Exception as error:  # noqa: BLE001 - that is the question
        return type(error)
