"""Secrets in what Flower shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_platform.console.answers import masked_answer
from tasks_platform.console.jobs import LONGEST, masked_job
from tasks_platform.console.masking import MASK, masked_arguments, masked_text, masked_value
from tasks_platform.console.secret_names import is_secret

WORDS = st.text(alphabet="abcxyz'\"\\ ,:=(){}[]é", min_size=1)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "user_password",
        "accessToken",
        "API_KEY",
        "api-key",
        "X-Auth-Token",
        "client_secret",
        "Authorization",
        "Cookie",
        "pwd",
        "db_passwd",
        "tokens",
        "private_key",
        "awsCredentials",
        "authtoken",
    ],
)
def test_a_name_that_promises_a_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["user", "author", "passenger", "key", "primary_key", "compass", "tokenizer", "order_id", "keys"]
)
def test_a_name_that_promises_none(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{'password': 'x', 'to': 'y'}", "{'password': ***, 'to': 'y'}"),
        ("{'token': {'a': [1, 2]}, 'b': 2}", "{'token': ***, 'b': 2}"),
        ("Login(api_key='a', n=3)", "Login(api_key=***, n=3)"),
        ("""('a', "{\\"password\\": \\"x\\"}")""", """('a', "{\\"password\\": ***}")"""),
        (r"{'body': '{\'password\': \'x\', \'n\': 1}'}", r"{'body': '{\'password\': ***, \'n\': 1}'}"),
        ("Authorization: Bearer abc.def, and more", "Authorization: ***, and more"),
        ("run --password=x --verbose", "run --password=*** --verbose"),
        ("GET /reset?token=abc&page=1", "GET /reset?token=***&page=1"),
        ("redis://:x@host:1/0 amqp://me:x@host", "redis://:***@host:1/0 amqp://me:***@host"),
        ("password=SecretStr('x') is wrong", "password=*** is wrong"),
        ("{'password': 'cut off", "{'password': ***"),
        ("{'password': 'cut off\\", "{'password': ***"),
        ("if token == 3:", "if token == 3:"),
        ("(1, 'two', {'three': 3})", "(1, 'two', {'three': 3})"),
        ("", ""),
    ],
)
def test_the_value_of_a_secret_name_is_not_shown(text: str, shown: str) -> None:
    assert masked_text(text) == shown
    assert masked_text(shown) == shown


@pytest.mark.parametrize(
    ("text", "names", "shown"),
    [
        ("('ana', 'x', 3)", ("to", "password", "n"), "('ana', ***, 3)"),
        ("('x',)", ("token",), "(***,)"),
        ("(['x', ('y', 'z')], 2)", ("token", "n"), "(***, 2)"),
        ("('a, b', ('x', 'y'), 'cut o", ("a", "b", "token"), "('a, b', ('x', 'y'), ***"),
        ("('a', ...)", ("a", "token"), "('a', ***)"),
        ("()", ("token",), "()"),
        ("(1, 2)", ("a",), "(1, 2)"),
        ("not a tuple", ("token",), "not a tuple"),
    ],
)
def test_an_argument_is_not_shown_where_its_parameter_is_called_like_a_secret(
    text: str, names: tuple[str, ...], shown: str
) -> None:
    assert masked_arguments(text, names) == shown


@given(st.lists(WORDS, min_size=1, max_size=4), st.data())
def test_no_argument_however_it_is_written_gives_a_secret_away(values: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(values) - 1))
    values[index] = f"{values[index]}-hunter2-{values[index]}"
    names = ["token" if position == index else "plain" for position in range(len(values))]
    text = repr(tuple(values))
    assert "hunter2" not in masked_arguments(text, names)
    assert "hunter2" not in masked_text(repr({"token": values[index]}))
    assert "hunter2" not in masked_text(repr({"body": repr({"token": "hunter2"})}))


@given(WORDS)
def test_any_text_can_be_masked(text: str) -> None:
    masked_text(text)
    masked_arguments(f"({text}", ("token", "a"))
    masked_arguments("(" * 5_000 + text, ("token",))


def test_values_are_masked_by_their_names_at_any_depth() -> None:
    value = {"to": "ana", "auth": [{"token": "x", "n": 1}], "url": "https://me:x@host", "password": None}
    assert masked_value(value) == {
        "to": "ana",
        "auth": [{"token": MASK, "n": 1}],
        "url": "https://me:***@host",
        "password": MASK,
    }


def test_a_long_text_is_shown_with_both_its_ends() -> None:
    shown = masked_job({"args": "('" + "a" * 5_000 + "z')", "result": None})
    assert len(shown["args"]) < LONGEST + 50
    assert shown["args"].startswith("('aaa")
    assert shown["args"].endswith("aaz')")
    assert shown["result"] is None


def test_answers_are_masked_where_jobs_and_configurations_stand_and_nowhere_else() -> None:
    answer = {
        "one@host": {
            "stats": {"total": {"shop.reset_password": 3}},
            "conf": {"broker_url": "redis://:x@host/0", "api_key": "x"},
            "scheduled": [{"eta": "later", "request": {"args": ["x"], "kwargs": {"token": "x"}}}],
        }
    }
    assert masked_answer(answer)["one@host"] == {
        "stats": {"total": {"shop.reset_password": 3}},
        "conf": {"broker_url": "redis://:***@host/0", "api_key": MASK},
        "scheduled": [{"eta": "later", "request": {"args": ["x"], "kwargs": {"token": MASK}}}],
    }
