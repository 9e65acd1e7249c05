"""Secrets that a test plants, and looks for wherever they must not be."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from acceptance.spying import as_bytes, decoded
from tasks_platform.sealing.spellings import spellings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Planted:
    """Secrets that are nowhere else in the world."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def token(self) -> str:
        self.all.append(secrets.token_hex(12))
        return self.all[-1]

    def number(self) -> int:
        self.all.append(str(10**9 + secrets.randbelow(10**9)))
        return int(self.all[-1])

    def check(self, place: str, *found: Any) -> None:
        """Fail if one of them was found."""
        for secret in self.all:
            for spelling in spellings(secret):
                seen = [text for text in map(as_bytes, found) if spelling.encode() in text]
                assert not seen, f"{secret} is in {place}: {_around(seen[0], spelling)!r}"


def _around(text: bytes, spelling: str) -> bytes:
    place = text.index(spelling.encode())
    return text[max(0, place - 200) : place + 100]


def files_in(folder: Path) -> Iterator[bytes]:
    """Yield what the files below *folder* hold, what is in base64 decoded, too."""
    return (decoded(file.read_bytes()) for file in sorted(folder.rglob("*")) if file.is_file())
