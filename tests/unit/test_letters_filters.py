from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks_platform.cli.letters_filters import Chosen, in_full, moment
from tasks_platform.letters import Group, Where

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", timedelta(seconds=90)),
        ("90m", timedelta(minutes=90)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("2026-11-22T08:30:00+00:00", timedelta()),
        ("2026-11-22T09:30:00+01:00", timedelta()),
    ],
)
def test_a_moment_is_told_as_it_is_or_as_how_long_ago_it_was(text: str, ago: timedelta) -> None:
    assert moment(text, now=NOW) == (NOW - ago).timestamp()


@pytest.mark.parametrize("text", ["", "yesterday", "7", "7y", "-7d", "2026-13-01", "1.5h", "99999999999999d"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        moment(text, now=NOW)


def a_group(fingerprint: str, task: str) -> Group:
    seen = {"first_seen": 1.0, "last_seen": 2.0}
    words = {"error": "KeyError", "message": "", "line": ""}
    return Group(fingerprint=fingerprint, task=task, letters=1, deaths=1, **seen, **words, tenants={}, queues={})


GROUPS = [a_group("abc123", "shop.ship"), a_group("abd456", "shop.bill"), a_group("fff789", "yard.ship")]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({"task": "bill"}, {"task": "shop.bill"}),
        ({"task": "shop.ship"}, {"task": "shop.ship"}),
        ({"task": "ship"}, {"task": "ship"}),  # of two tasks: neither
        ({"task": "nothing"}, {"task": "nothing"}),
        ({"fingerprint": "f"}, {"fingerprint": "fff789"}),
        ({"fingerprint": "ab"}, {"fingerprint": "ab"}),
        ({"tenant": "acme"}, {"tenant": "acme"}),
    ],
)
def test_a_name_is_given_as_far_as_it_takes_to_tell_it_from_others(
    asked: dict[str, str], meant: dict[str, str]
) -> None:
    chosen = in_full(Chosen(where=Where(**asked), text="x"), GROUPS)

    assert chosen == Chosen(where=Where(**meant), text="x")


def test_a_command_asks_the_same_when_it_is_given_again_later() -> None:
    first, second = (Chosen(where=Where(task="a", since=at), text=None, typed={"since": "12h"}) for at in (1.0, 5.0))

    assert first.asked == second.asked == {"where": {"task": "a", "since": "12h"}, "text": None}
