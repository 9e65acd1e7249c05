"""How many letters of a bug are sent at a time, and when no more are."""

from __future__ import annotations

import pytest

from tasks_platform.letters.replays.group import RunningGroup
from tasks_platform.letters.replays.pace import MOST_OUT, allowance, why_stopped
from tasks_platform.letters.replays.value import Item, ended, item_from


@pytest.mark.parametrize(
    ("out", "well", "back", "expected"),
    [
        (0, 0, 0, 1),  # one first
        (1, 0, 0, 0),  # and nothing until it has ended
        (0, 1, 0, 10),  # then ten
        (4, 1, 0, 6),
        (10, 1, 0, 0),
        (1, 9, 1, 0),  # nine of the ten have ended
        (0, 10, 1, MOST_OUT),  # then the rest
        (0, 11, 0, MOST_OUT),
        (150, 500, 0, MOST_OUT - 150),
        (MOST_OUT, 500, 0, 0),
    ],
)
def test_one_is_sent_then_ten_then_the_rest(out: int, well: int, back: int, expected: int) -> None:
    assert allowance(out=out, well=well, back=back) == expected


@pytest.mark.parametrize(
    ("died_of", "recovered", "reason"),
    [
        ([], 0, ""),
        ([], 700, ""),
        (["bug"], 0, "it came back: the bug is not fixed"),
        (["other", "bug"], 300, "it came back: the bug is not fixed"),
        (["other"], 0, "the first one came back as other"),
        (["other"], 1, ""),  # one job of many had something else wrong with it
        (["other", "third"], 1, ""),
        (["other", "third", "other"], 1, "letters come back as other"),
    ],
)
def test_a_group_stops_when_its_bug_comes_back_under_whatever_name(
    died_of: list[str], recovered: int, reason: str
) -> None:
    assert why_stopped("bug", died_of, recovered) == reason


LETTER = {"version": 2, "state": "replaying", "fingerprint": "other"}


@pytest.mark.parametrize(
    ("letter", "why", "expected"),
    [
        (LETTER, "", "sent"),
        ({**LETTER, "version": 3, "state": "dead"}, "", "back"),
        ({**LETTER, "version": 3}, "", "back"),  # somebody has sent it again since
        ({**LETTER, "state": "dead"}, "", "left"),  # somebody else put it back
        (None, "recovered", "recovered"),
        (None, "skipped", "skipped"),
        (None, "cancelled", "left"),
        (None, "discarded", "left"),
        (None, "", "left"),
    ],
)
def test_a_letter_has_recovered_only_if_its_job_succeeded(
    letter: dict[str, object] | None, why: str, expected: str
) -> None:
    assert ended(Item(group="bug", state="sent", version=2), letter, why).state == expected


FACTS = {"task": "shop.ship", "error": "KeyError", "message": "'x'", "line": "shop:7 in ship"}


def a_group(*states: str) -> RunningGroup:
    items = {f"job-{n}": Item(group="bug", state=state) for n, state in enumerate(states)}  # type: ignore[arg-type]
    return RunningGroup("bug", FACTS, {**items, "another": Item(group="other")})


def test_a_group_goes_on_from_what_was_written_down_of_it() -> None:
    group = a_group("recovered", "sent", "left", "todo", "todo", "sending")
    status = group.status()

    assert (status.letters, status.recovered, status.out, status.left, status.todo) == (6, 1, 2, 1, 2)
    assert group.may_send()
    assert [group.next(), group.next()] == ["job-3", "job-4"]
    assert not group.may_send()


def test_one_that_comes_back_stops_its_group() -> None:
    group = a_group("sent", "todo")
    group.change("job-0", Item(group="bug", state="back", died_of="bug"))

    assert not group.may_send()
    assert group.status().stopped == "it came back: the bug is not fixed"


def test_why_letters_were_left_is_told_once_each() -> None:
    group = a_group("todo", "todo", "todo")
    for number, reason in enumerate(("it is gone", "it is gone", "it is held")):
        group.change(f"job-{number}", Item(group="bug", state="left", reason=reason))

    assert group.status().reasons == ("it is gone", "it is held")


@pytest.mark.parametrize(
    "item", [Item(group="bug"), Item(group="bug", state="back", version=3, attempt=4, died_of="other"), Item(group="")]
)
def test_an_item_is_read_as_it_was_written(item: Item) -> None:
    assert item_from({"group": "", **item.record()}) == item
