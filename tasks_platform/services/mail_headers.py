"""Headers of a mail with any letters in them (RFC 2047), as they go over the wire.

Python up to 3.12 folds such headers so that spaces get lost, in every fifth name with letters like ``ż``. What is
folded here is left alone by it, by the way its own header classes use: an object with a name and a ``fold``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.header import Header
from email.utils import quote
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEEDS_QUOTES = re.compile(r'[][()<>@,:;".\\]')
#: Longer texts are encoded even without need: an encoded text can be folded anywhere, and lines have to be short.
_LONGEST_PLAIN = 60


@dataclass(frozen=True)
class Folded:
    """A header that is ready to be sent."""

    name: str
    lines: str

    def fold(self, *, policy: object) -> str:
        """Return the header with its name and its line ends."""
        return f"{self.name}: {self.lines}\r\n"

    def __str__(self) -> str:
        return self.lines


def text_header(name: str, text: str) -> Folded:
    """Return a header of free *text*, which has to be one line and to hold nothing that looks encoded."""
    return Folded(name, text if _is_plain(text) else _encoded(text, name))


def address_header(name: str, addresses: Iterable[tuple[str, str]]) -> Folded:
    """Return a header of pairs of a display name, which has to be one line or nothing, and an ASCII address."""
    return Folded(name, ",\r\n ".join(_address(shown, email, name) for shown, email in addresses))


def _address(shown: str, email: str, header: str) -> str:
    if not shown:
        return email
    if not _is_plain(shown):
        return f"{_encoded(shown, header)}\r\n <{email}>"
    return f'"{quote(shown)}" <{email}>' if _NEEDS_QUOTES.search(shown) else f"{shown} <{email}>"


def _is_plain(text: str) -> bool:
    return text.isascii() and len(text) <= _LONGEST_PLAIN


def _encoded(text: str, header: str) -> str:
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")
