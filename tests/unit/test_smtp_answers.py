from __future__ import annotations

import pytest

from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError
from tasks_platform.services.smtp_answers import in_words, is_accepted, is_permanent, recipients_refusal, refusal


@pytest.mark.parametrize(
    ("code", "accepted", "permanent"),
    [
        (250, True, False),
        (251, True, False),
        (354, False, False),
        (421, False, False),
        (450, False, False),
        (451, False, False),
        (452, False, False),
        (500, False, True),
        (530, False, False),
        (534, False, False),
        (535, False, False),
        (538, False, False),
        (550, False, True),
        (552, False, True),
        (554, False, True),
        (-1, False, False),
    ],
)
def test_the_code_says_yes_never_or_not_now(code: int, accepted: bool, permanent: bool) -> None:  # noqa: FBT001 - a table
    assert is_accepted((code, b"")) == accepted
    assert is_permanent((code, b"")) == permanent


def test_a_refusal_says_who_refused_what_and_why() -> None:
    error = refusal("The mail server mx:25", "the content of mail <7@x>", (554, b"5.7.1 Looks like\r\nspam \xff"))

    assert isinstance(error, ServiceRefusedError)
    assert str(error) == (
        "The mail server mx:25 refused the content of mail <7@x> for good: 554 5.7.1 Looks like spam \ufffd. "
        "Correct it and send the mail again."
    )


def test_one_recipient_refused_for_good_decides_for_all() -> None:
    answers = {"a@x.example": (450, b"busy"), "b@x.example": (550, b"unknown")}
    error = recipients_refusal("The mail server mx:25", "<7@x>", answers)

    assert isinstance(error, ServiceRefusedError)
    assert "nobody got it: a@x.example: 450 busy; b@x.example: 550 unknown. Correct the addresses" in str(error)


def test_recipients_that_are_all_told_to_wait_are_tried_again() -> None:
    error = recipients_refusal("The mail server mx:25", "<7@x>", {"a@x.example": (450, b""), "b@x.example": (451, b"")})

    assert isinstance(error, ServiceUnavailableError)


def test_an_answer_without_words_is_its_code() -> None:
    assert in_words((250, b"")) == "250"
