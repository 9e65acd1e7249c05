"""Keep secrets out of what is shown: in the text of a call or an error, and in plain JSON values.

A call is only known by its text (``('ana@kontor.example', {'token': 'x'})``), which may end in the middle. What is
masked is whatever is called like a secret, however it is written down, and the password of a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tasks_platform.console.secret_names import is_secret

MASK: Final = "***"
#: A name and what separates it from its value; a quotation mark may be escaped, in a text inside a text.
_NAMED = re.compile(
    r"""(?P<quote>\\*['"])(?P<quoted>[\w .-]++)(?P=quote)\s*:\s*|(?<!\w)(?P<bare>[A-Za-z_][\w-]*+)\s*+[=:](?!=)\s*"""
)
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@'\"]*):[^\s@'\"]+@")
_STRING = re.compile(
    r"""[bru]{0,2}(?:'(?:[^'\\]|\\.)*(?:'|\\?\Z)|"(?:[^"\\]|\\.)*(?:"|\\?\Z))""", re.IGNORECASE | re.DOTALL
)
_ESCAPED_STRING = re.compile(r"""(?P<end>\\+['"]).*?(?:(?P=end)|\Z)""", re.DOTALL)
_WORD = re.compile(r"""[^\s,;&'"()\[\]{}\\]+""")
#: Words in front of the secret itself: ``Authorization: Bearer ...``.
_SCHEMES: Final = frozenset({"bearer", "basic", "token", "digest"})
_OPENING, _CLOSING = "([{", ")]}"


def masked_text(text: str) -> str:
    """Return *text* without the values of what is called like a secret."""
    kept, position = [], 0
    while (found := _NAMED.search(text, position)) is not None:
        kept.append(text[position : found.end()])
        position = found.end()
        if is_secret(found["quoted"] or found["bare"]) and (end := _end_of_value(text, position)) > position:
            kept.append(MASK)
            position = end
    return _URL_PASSWORD.sub(rf"\1:{MASK}@", "".join((*kept, text[position:])))


def masked_arguments(text: str, names: Sequence[str]) -> str:
    """Return the text of a tuple of arguments without those whose parameter, of *names*, is called like a secret."""
    secret = {index for index, name in enumerate(names) if is_secret(name)}
    if not secret or text[:1] not in {"(", "["}:
        return masked_text(text)
    kept, position = [], 0
    for index, (start, end) in enumerate(_parts(text)):
        if index in secret and text[start:end].strip():
            kept.append(text[position:start] + MASK)
            position = end
    return masked_text("".join((*kept, text[position:])))


def masked_value(value: Any) -> Any:
    """Return plain JSON without the values of what is called like a secret."""
    if isinstance(value, dict):
        return {name: MASK if is_secret(str(name)) else masked_value(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_value(item) for item in value]
    return masked_text(value) if isinstance(value, str) else value


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the parts of the tuple stand that *text* begins with."""
    start = position = 1
    while position < len(text) and text[position] not in _CLOSING:
        if text[position] == ",":
            yield start, position
            position += 1
            start = position + (text[position : position + 1] == " ")
        else:
            position = _after(text, position)
    yield start, position


def _end_of_value(text: str, position: int) -> int:
    """Return where the value that begins at *position* ends; there, where none does."""
    if string := _STRING.match(text, position) or _ESCAPED_STRING.match(text, position):
        return string.end()
    word = _WORD.match(text, position)
    end = word.end() if word else position
    if word and word[0].lower() in _SCHEMES and (behind := _WORD.match(text, end + 1)):
        return behind.end()
    return _after(text, end) if text[end : end + 1] in {*_OPENING} else end


def _after(text: str, position: int) -> int:
    """Return where the string, the brackets or the character at *position* ends."""
    depth = 0
    while position < len(text):
        if string := _STRING.match(text, position):
            position = string.end()
        else:
            depth += (text[position] in _OPENING) - (text[position] in _CLOSING)
            position += 1
        if depth <= 0:
            break
    return position
