"""Part of the work may fail: the rest is done, and what failed is told together."""

from __future__ import annotations

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from tasks_platform import Failures, Hold, PermanentError, TransientError
from tasks_platform.errors import PartialFailureError
from tasks_platform.policies.dead_letters import raising_line
from tasks_platform.policy import Kind, classify


def work(*outcomes: Exception | None) -> list[int]:
    """Work on an item per outcome and return those that were done."""
    done = []
    with Failures() as failures:
        for number, outcome in enumerate(outcomes):
            with failures.of(f"item {number}"):
                if outcome is not None:
                    raise outcome
                done.append(number)
    return done


def failure(*outcomes: Exception | None) -> PartialFailureError:
    with pytest.raises(PartialFailureError) as caught:
        work(*outcomes)
    return caught.value


def work_on(numbers: range, done: list[int], *, odd: int) -> None:
    """Work on numbers; one of them fails."""
    with Failures() as failures:
        for number in numbers:
            with failures.of(number):
                if number == odd:
                    raise ValueError("odd")
                done.append(number)


@pytest.mark.checklist(32)
def test_what_follows_a_failed_item_is_done() -> None:
    assert work(None, None) == [0, 1]

    done: list[int] = []
    with pytest.raises(PartialFailureError):
        work_on(range(4), done, odd=1)
    assert done == [0, 2, 3]


def test_the_summary_names_the_first_failed_items_and_counts_the_rest() -> None:
    assert str(failure(None, ValueError("odd"))) == "1 of 2 failed: item 1: odd"

    many = failure(*[ValueError("odd")] * 7)
    assert str(many).startswith("7 of 7 failed: item 0: odd; item 1: odd")
    assert str(many).endswith("item 4: odd; and 2 more")
    assert isinstance(many.__cause__, ExceptionGroup)
    assert len(many.__cause__.exceptions) == 7


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [
        ([PermanentError("no"), TransientError("later")], Kind.TRANSIENT),
        ([PermanentError("no"), ValueError("odd")], Kind.UNKNOWN),
        ([PermanentError("no"), PermanentError("never")], Kind.PERMANENT),
    ],
)
def test_it_is_tried_again_if_that_may_help_a_part(outcomes: list[Exception], kind: Kind) -> None:
    assert classify(failure(*outcomes)) is kind
    assert classify(ExceptionGroup("several", outcomes)) is kind


@pytest.mark.parametrize("instruction", [Hold(5, "later"), SoftTimeLimitExceeded()])
def test_instructions_and_the_end_of_the_time_are_not_an_items_failure(instruction: Exception) -> None:
    with pytest.raises(type(instruction)):
        work(None, instruction, None)


def fail_between_items() -> None:
    with Failures() as failures:
        with failures.of("one"):
            raise ValueError("odd")
        raise KeyError("elsewhere")


def test_what_is_raised_between_the_items_is_raised() -> None:
    with pytest.raises(KeyError):
        fail_between_items()


def test_its_line_is_that_of_the_block() -> None:
    assert raising_line(failure(ValueError("odd"))).endswith("in work")
