from __future__ import annotations

import base64
import json
import logging
import pickle
import threading
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from property_tests import given, settings
from tasks_platform.errors import CensoredError
from tasks_platform.sealing import (
    CensorFilter,
    KeyRing,
    Scope,
    censor_event,
    censored,
    censored_error,
    censored_value,
    new_key,
    opened_in_a_run,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPE = Scope(KeyRing.read(new_key("k1")), "shop.reset")
TOKEN = "tok/6d1f&0c2e 'quoted'\\ü-and-so-much-longer-than-others-are-that-everybody-cuts-it"


def opened(value: Any) -> None:
    """Open something that is sealed, as reading arguments does."""
    SCOPE.open(json.loads(json.dumps(SCOPE.seal(value))))


@pytest.fixture
def run() -> Iterator[None]:
    with opened_in_a_run():
        opened(TOKEN)
        yield


@pytest.mark.parametrize(
    "spelling",
    [str, repr, json.dumps, quote, lambda token: base64.b64encode(token.encode()).decode(), lambda token: [token]],
)
def test_a_secret_is_found_however_it_is_spelt(run: None, spelling):
    text = censored(f"before {spelling(TOKEN)} after")

    assert text.startswith("before ")
    assert text.endswith(" after")
    assert "<sealed>" in text
    assert "6d1f" not in text


@settings(max_examples=50)
@given(cut=st.integers(12, len(TOKEN)))
def test_a_secret_is_found_where_somebody_has_cut_it(cut: int):
    with opened_in_a_run():
        opened(TOKEN)
        assert censored(f"token={TOKEN[:cut]}... and ...{TOKEN[-cut:]}") == "token=<sealed>... and ...<sealed>"


def test_what_is_secret_in_a_model_are_its_values_not_the_names_of_its_fields():
    with opened_in_a_run():
        opened({"number": "4111-1111", "pin": 482913, "codes": ["code-1"], "paid": True})
        assert censored("number 4111-1111, pin 482913, codes code-1, paid True") == (
            "number <sealed>, pin <sealed>, codes <sealed>, paid True"
        )


def test_secrets_of_fewer_than_four_characters_are_not_looked_for():
    with opened_in_a_run():
        opened("abc")
        assert censored("abc") == "abc"


def test_what_a_run_seals_is_its_secret_too():
    with opened_in_a_run():
        SCOPE.seal("made here")
        assert censored("made here") == "<sealed>"


def test_secrets_of_a_run_are_known_until_the_next_one():
    with opened_in_a_run():
        opened("the-first")
    assert censored("the-first") == "<sealed>"
    with opened_in_a_run():
        assert censored("the-first") == "the-first"


def test_outside_of_runs_nothing_is_remembered():
    with opened_in_a_run():
        pass
    opened("not-in-a-run")
    assert censored("not-in-a-run") == "not-in-a-run"


def test_a_run_inside_a_run_leaves_its_secrets_to_it():
    with opened_in_a_run():
        opened("the-outer")
        with opened_in_a_run():
            opened("the-inner")
        assert censored("the-outer the-inner") == "<sealed> <sealed>"


def test_a_thread_that_a_run_started_knows_its_secrets(run: None):
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(censored(TOKEN)))
    thread.start()
    thread.join()
    assert found == ["<sealed>"]


def test_a_thread_that_goes_on_after_its_run_knows_its_secrets_too():
    found: list[str] = []
    ended = threading.Event()

    def late() -> None:
        ended.wait(10)
        found.append(censored("said too late"))

    thread = threading.Thread(target=late)
    with opened_in_a_run():
        opened("said too late")
        thread.start()
    ended.set()
    thread.join()
    assert found == ["<sealed>"]


def test_a_thousand_secrets_are_no_burden():
    tokens = [f"token-{number:06}" for number in range(1000)]
    with opened_in_a_run():
        for token in tokens:
            opened(token)
        assert censored(" ".join(tokens)) == " ".join(["<sealed>"] * 1000)


def test_values_of_any_shape_are_censored(run: None):
    value = {"token": TOKEN, "rest": [("x", TOKEN), {TOKEN}, TOKEN.encode(), 7]}
    assert censored_value(value) == {"token": "<sealed>", "rest": [("x", "<sealed>"), {"<sealed>"}, b"<sealed>", 7]}


class OddError(Exception):
    """An error with a constructor and a text of its own."""

    def __init__(self, token: str, *, code: int) -> None:
        self.token = token
        self.code = code

    def __str__(self) -> str:
        return f"{self.code}: {self.token}"


def look_up() -> None:
    raise KeyError(TOKEN)


def fails_from() -> None:
    try:
        look_up()
    except KeyError as cause:
        raise ValueError("outer") from cause


def fails_during() -> None:
    try:
        look_up()
    except KeyError:
        raise ValueError("outer")  # noqa: B904 - what people do


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "kind", "text"),
        [
            (ValueError(f"bad {TOKEN}"), ValueError, "bad <sealed>"),
            (KeyError(TOKEN), KeyError, "'<sealed>'"),
            (OddError(TOKEN, code=7), OddError, "7: <sealed>"),
            (LookupError({"token": [TOKEN]}), LookupError, "{'token': ['<sealed>']}"),
        ],
    )
    def test_are_of_the_same_type_without_the_secret(self, run: None, error, kind, text):
        clean = censored_error(error)

        assert type(clean) is kind
        assert str(clean) == text
        assert "6d1f" not in repr(clean)
        assert TOKEN in str(error) or "6d1f" in str(error)  # the function's own error is left alone

    def test_that_cannot_be_copied_are_told_by_their_type(self, run: None):
        with pytest.raises(ValidationError) as raised:
            TypeAdapter(int).validate_python(TOKEN)
        clean = censored_error(raised.value)

        assert type(clean) is CensoredError
        assert str(clean).startswith("ValidationError: 1 validation error")
        assert "tok/6d1f" not in str(clean)
        assert "everybody" not in str(clean)

    def test_without_a_secret_stay_themselves(self, run: None):
        error = ValueError("harmless")
        assert censored_error(error) is error

    @pytest.mark.parametrize("fail", [fails_from, fails_during])
    def test_have_censored_causes(self, run: None, fail):
        with pytest.raises(ValueError, match="outer") as raised:
            fail()
        text = "".join(traceback.format_exception(censored_error(raised.value)))

        assert "KeyError: '<sealed>'" in text
        assert "test_have_censored_causes" in text
        assert "6d1f" not in text

    def test_reach_another_process(self, run: None):
        clean = pickle.loads(pickle.dumps(censored_error(ValueError(TOKEN))))
        assert (type(clean), str(clean)) == (ValueError, "<sealed>")

    def test_may_be_their_own_causes(self, run: None):
        error = ValueError(TOKEN)
        error.__context__ = other = KeyError("x")
        other.__context__ = error
        assert str(censored_error(error)) == "<sealed>"


class TestLogs:
    def test_no_line_of_any_logger_holds_a_secret(self, run: None, caplog: pytest.LogCaptureFixture):
        caplog.set_level(logging.INFO)
        logging.getLogger("shop").info("token %s", TOKEN)
        logging.getLogger("library").warning("headers %r", {"Authorization": TOKEN})
        try:
            look_up()
        except KeyError:
            logging.getLogger("shop").exception("it failed")

        assert caplog.messages[0] == "token <sealed>"
        assert 'KeyError: "<sealed>"' in caplog.text
        assert "6d1f" not in caplog.text

    def test_arguments_that_do_not_fit_are_reported_without_the_secret(self, run: None, capfd, monkeypatch):
        monkeypatch.setattr(logging, "raiseExceptions", True)
        logger = logging.getLogger("broken")
        logger.propagate = False  # pytest's own handler fails the test
        handler = logging.StreamHandler()
        logger.addHandler(handler)
        logger.warning("no place for %s", TOKEN, TOKEN)  # noqa: PLE1205 - a mistake that people make
        logger.removeHandler(handler)

        said = capfd.readouterr().err
        assert "<sealed>" in said
        assert "6d1f" not in said

    def test_the_filter_takes_care_of_extras(self, run: None):
        record = logging.makeLogRecord({"msg": "sent", "headers": {"token": TOKEN}})
        assert CensorFilter().filter(record)
        assert record.__dict__["headers"] == {"token": "<sealed>"}

    def test_events_of_structlog_are_censored(self, run: None):
        assert censor_event(None, "info", {"event": f"got {TOKEN}", "n": 1}) == {"event": "got <sealed>", "n": 1}
