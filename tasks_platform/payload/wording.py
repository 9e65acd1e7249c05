"""What is wrong with arguments, in words that never contain them: error texts are logged, arguments are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def problem_in_words(problem: ErrorDetails, place: str) -> str:
    """Describe what is wrong at *place*."""
    if problem["type"] == "union_tag_invalid":  # the one message of pydantic that quotes what it was given
        context = problem["ctx"]
        return f"{place}: {context['discriminator']} has to be one of {context['expected_tags']}"
    return f"{place}: {problem['msg']}"


def without_values(error: ValueError) -> str:
    """Return what pydantic says of a value that it cannot write, without the value."""
    if isinstance(error, UnicodeError):
        return "it is not text in UTF-8"
    text = str(error)
    return "it is not what its annotation says" if "input_value=" in text else text
