from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.transport.virtual import Base64 as Kombus

from tasks_platform.broker.quick_base64 import Base64


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.binary())
def test_bodies_are_written_and_read_as_kombu_does(body: Any) -> None:
    written = Base64().encode(body)
    assert written == Kombus().encode(body)
    assert Base64().decode(written) == Base64().decode(written.encode()) == Kombus().decode(written)


@pytest.mark.parametrize("body", ["a", "é", "====", "abcde", b"\xff", "YQ==\n", "Y Q = ="])
def test_what_is_no_base64_is_read_or_refused_as_kombu_does(body: Any) -> None:
    assert outcome(Base64(), body) == outcome(Kombus(), body)


def outcome(codec: Any, body: Any) -> Any:
    """Return what *codec* reads, or the error it raises."""
    try:
        return codec.decode(body)
    except ValueError as error:
        return type(error)
