"""What a mail server's answers mean for a mail: never, or not now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A code and a text (RFC 5321, 4.2).
Answer = tuple[int, bytes]

#: Answers that begin with 5 and still say nothing about the mail, but about who brings it (RFC 4954, RFC 3207):
#: authentication or encryption is asked for.
_ABOUT_THE_CONNECTION = frozenset({530, 534, 535, 538})


def is_accepted(answer: Answer) -> bool:
    """Tell whether the server said yes."""
    return 200 <= answer[0] < 300  # noqa: PLR2004 - the first digit is the meaning


def is_permanent(answer: Answer) -> bool:
    """Tell whether the server would say the same to the same mail tomorrow."""
    return 500 <= answer[0] < 600 and answer[0] not in _ABOUT_THE_CONNECTION  # noqa: PLR2004 - as above


def refusal(server: str, subject: str, answer: Answer) -> ServiceRefusedError | ServiceUnavailableError:
    """Return the error that *answer* to *subject* means."""
    if is_permanent(answer):
        return ServiceRefusedError(
            f"{server} refused {subject} for good: {in_words(answer)}. Correct it and send the mail again."
        )
    return ServiceUnavailableError(f"{server} does not take {subject} now: {in_words(answer)}.")


def recipients_refusal(
    server: str, message_id: str, refused: Mapping[str, Answer]
) -> ServiceRefusedError | ServiceUnavailableError:
    """Return the error that refused recipients of one mail mean together; one refusal for good decides."""
    worst = next((answer for answer in refused.values() if is_permanent(answer)), (450, b""))
    each = "; ".join(f"{address}: {in_words(answer)}" for address, answer in refused.items())
    if is_permanent(worst):
        return ServiceRefusedError(
            f"{server} refused recipients of mail {message_id} for good, so nobody got it: {each}. "
            "Correct the addresses and send the mail again."
        )
    return ServiceUnavailableError(
        f"{server} does not take mail {message_id} for all recipients now, so nobody got it: {each}."
    )


def in_words(answer: Answer) -> str:
    """Return the code and the text, on one line."""
    code, text = answer
    return f"{code} {' '.join(text.decode(errors='replace').split())}".strip()
