"""Where secrets are found in texts, where they are not, and how much work that is."""

from __future__ import annotations

import secrets
import sys
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import strategies as st

from property_tests import given, settings
from tasks_platform.sealing import censored, opened_in_a_run
from tasks_platform.sealing.censor import notice

if TYPE_CHECKING:
    from collections.abc import Callable

HOOK = "https://www.secret.example/hooks/T0/B1/x7f3k29d0s81jq"
MAIL = "ana.margarethe@example.com"
DATABASE = "postgresql://books:correct-horse-battery@db.example:5432/books"
TOKEN = "6d1f0c2e-and-much-longer-than-others"
LINE = "the invoice of ACME was sent to https://www.acme.example/in, and bob@example.com knows of it"


def calls_during(action: Callable[[], Any]) -> int:
    """Count the calls of functions, in Python and in C."""
    calls = count()
    sys.setprofile(lambda _frame, event, _: next(calls) if event in {"call", "c_call"} else None)
    try:
        action()
    finally:
        sys.setprofile(None)
    return next(calls)


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        "see https://www.python.org",
        "https://www.secret.example is down",
        "GET https%3A%2F%2Fwww.secret.example",
        "everybody@example.com and @example.com",
        "postgresql://books@elsewhere/books",
        "6d1f0c2e-and-more",
    ],
)
def test_what_only_begins_or_ends_as_a_secret_does_is_left_alone(text):
    with opened_in_a_run():
        notice([HOOK, MAIL, DATABASE, TOKEN])
        assert censored(text) == text


@pytest.mark.parametrize(
    ("cut", "shown"),
    [
        (f"{HOOK[:40]}...", "<sealed>..."),
        (f"'{HOOK[:40]}'", "'<sealed>'"),
        (f"{HOOK[:40]}…{HOOK[-14:]}", "<sealed>…<sealed>"),
        (f"{quote(HOOK[:40], safe='')} failed", "<sealed> failed"),
        (f"...{MAIL[2:]} is unknown", "...<sealed> is unknown"),
        (f"{DATABASE[:35]}", "<sealed>"),
        (f"token {TOKEN[:12]} is bad", "token <sealed> is bad"),
        (f"(...{TOKEN[-12:]})", "(...<sealed>)"),
    ],
)
def test_a_secret_is_found_where_a_word_or_what_is_quoted_ends_with_a_part_of_it(cut, shown):
    with opened_in_a_run():
        notice([HOOK, MAIL, DATABASE, TOKEN])
        assert censored(cut) == shown


@pytest.mark.parametrize("length", [255, 256, 257, 511, 5_000, 1_000_000])
def test_a_secret_of_any_length_is_found_to_its_end(length):
    secret = secrets.token_hex(length)[:length]
    with opened_in_a_run():
        notice([secret, secret[:300] + "another end of what begins alike"])
        assert censored(f"a {secret} b {secret[: length // 2]}... c") == "a <sealed> b <sealed>... c"


PIECES = st.text("ab/'é", min_size=1, max_size=9)


@settings(max_examples=60)
@given(known=st.lists(st.lists(PIECES, max_size=120).map("".join), max_size=80), texts=st.lists(PIECES, max_size=40))
def test_no_secret_is_ever_left_whole(known: list[str], texts: list[str]):
    with opened_in_a_run():
        notice(known)
        left = censored("".join([*texts, *known, *texts]))
    assert not [secret for secret in known if len(secret) >= 4 and secret in left]


def test_a_look_through_a_line_is_the_same_work_however_many_and_long_the_secrets_are():
    def work(known: list[str]) -> int:
        with opened_in_a_run():
            notice(known)
            return calls_during(lambda: censored(LINE))

    one = work(["token-one"])
    assert work([secrets.token_hex(100_000)]) <= 2 * one
    many = [
        work([f"https://hooks.example/token-{n:06}-{n * 7919 % 10007}" for n in range(number)])
        for number in (300, 3000)
    ]
    assert max(many) <= one + 20 * len(LINE)


def test_many_secrets_that_are_opened_one_by_one_are_no_more_work_than_together():
    def work(each: Callable[[], Any]) -> int:
        tokens = [f"token-{number:06}" for number in range(300)]
        with opened_in_a_run():

            def add_all() -> None:
                for token in tokens:
                    notice(token)
                    each()

            return calls_during(add_all)

    with opened_in_a_run():
        notice([f"token-{number:06}" for number in range(300)])
        line = calls_during(lambda: censored(LINE))
    assert work(lambda: censored(LINE)) <= work(lambda: None) + 300 * (line + 100)
