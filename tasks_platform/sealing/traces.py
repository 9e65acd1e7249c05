"""Where secrets show in a text: whole, however they are spelt, and in part where somebody cut them."""

from __future__ import annotations

import re
from bisect import bisect, insort
from collections.abc import Collection, Iterator
from typing import Final

from tasks_platform.sealing.spellings import SHORTEST, spellings

#: Characters of the beginning or end of a secret by which it is known where somebody cut it.
_CUT: Final = 12
#: Characters by which a longer secret is known; what follows is found by going on as long as it is alike.
_HEAD: Final = 256
#: A secret is looked up by so many of its first characters, as many as it has.
_SIZES: Final = (256, 128, 64, 32, 16, 8, SHORTEST)
#: So many beginnings are looked for one by one; more of them in one pass through the text.
_FEW: Final = 64
#: What follows a part of a secret that was cut: dots, or the end of a text, a word or something quoted. Where a text
#: goes on otherwise, it only begins as a secret does. Read backwards it says the same of what is before an end.
_EDGE: Final = re.compile(r"""\.\.\.|…|[\s"'`<>()\[\]{},;|\\]|$""")
#: Of an address, what many have in common: the scheme and host that a URL begins with, the domain that mail ends with.
_SITE: Final = re.compile(r"[a-z][a-z0-9+.-]*(?::|%3A)(?:/|%2F){2}(?:[^/?#%@\s]*(?![^/?#%\s]*@))?", re.IGNORECASE)
_DOMAIN_BACKWARDS: Final = re.compile(r"[\w.-]+(?:@|04%)(?=[\w.+-])")


class Traces:
    """An index of secrets. A look through a text costs what the text is long, however many and long they are."""

    def __init__(self) -> None:
        self._whole: set[str] = set()
        #: How long the secrets are that begin alike.
        self._lengths: dict[str, tuple[int, ...]] = {}
        #: The secrets that are longer than what they are known by.
        self._longer: dict[str, list[str]] = {}
        #: In order; the ends are written backwards.
        self._beginnings: list[str] = []
        self._ends: list[str] = []
        self._firsts: set[str] = set()
        self._lasts: set[str] = set()

    def add(self, secret: str) -> None:
        """Look for *secret* from now on."""
        for spelling in spellings(secret):
            self._add(spelling)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return where secrets begin and end in *text*, in order and apart from each other."""
        found: list[tuple[int, int]] = []
        reached = 0
        for start in _places(text, self._firsts, SHORTEST):
            if start >= reached and (length := self._beginning(text, start)):
                reached = start + length
                found.append((start, reached))
        return _joined(sorted([*found, *self._cut_ends(text, found)]))

    def __bool__(self) -> bool:
        return bool(self._whole)

    def _add(self, secret: str) -> None:
        head, tail = secret[:_HEAD], secret[-_HEAD:][::-1]
        if len(secret) > _HEAD:
            self._longer.setdefault(head, []).append(secret)
        if head not in self._whole:
            size = next(size for size in _SIZES if size <= len(head))
            self._lengths[head[:size]] = (*self._lengths.get(head[:size], ()), len(head))
            self._whole.add(head)
            self._firsts.add(head[:SHORTEST])
        if len(secret) > _CUT:
            _insert(self._beginnings, head)
            _insert(self._ends, tail)
            self._lasts.add(secret[-_CUT:])

    def _beginning(self, text: str, start: int) -> int:
        """Return how much of *text* from *start* on is a secret, or the beginning of one that was cut."""
        window = text[start : start + _HEAD + len("...")]
        whole = max(
            (
                length
                for size in _SIZES
                for length in self._lengths.get(window[:size], ())
                if length <= len(window) and window[:length] in self._whole
            ),
            default=0,
        )
        if whole == _HEAD:
            return max((_alike(text, start, secret) for secret in self._longer.get(window[:_HEAD], ())), default=whole)
        return max(whole, _cut(window, self._beginnings, _SITE))

    def _cut_ends(self, text: str, found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Yield where the end of a secret stands whose beginning was cut, except in what was *found*."""
        for start in _places(text, self._lasts, _CUT):
            end = start + _CUT
            before = bisect(found, (start, len(text))) - 1
            if before >= 0 and end <= found[before][1]:
                continue
            window = text[max(0, end - _HEAD - len("...")) : end][::-1]
            if length := _cut(window, self._ends, _DOMAIN_BACKWARDS):
                yield end - length, end


def _cut(window: str, secrets: list[str], common: re.Pattern[str]) -> int:
    """Return how much of the beginning of *window* is that of one of the *secrets*, cut by somebody."""
    place = bisect(secrets, window)  # the neighbours have most in common with it
    for secret in secrets[max(0, place - 1) : place + 1]:
        length = _alike(window, 0, secret)
        shared = found.end() if (found := common.match(secret)) else 0
        if length >= shared + _CUT and _EDGE.match(window, length):
            return length
    return 0


def _alike(text: str, start: int, secret: str) -> int:
    """Return how far *text* from *start* on goes on like *secret*."""
    alike, most = 0, min(len(secret), len(text) - start)
    while alike < most:
        middle = (alike + most + 1) // 2
        if text[start + alike : start + middle] == secret[alike:middle]:
            alike = middle
        else:
            most = middle - 1
    return alike


def _places(text: str, pieces: Collection[str], size: int) -> Iterator[int]:
    """Yield where one of the *pieces*, all of them *size* characters long, stands in *text*."""
    if len(pieces) > _FEW:
        return (place for place in range(len(text) - size + 1) if text[place : place + size] in pieces)
    return iter(sorted(place for piece in tuple(pieces) for place in _places_of(text, piece)))


def _places_of(text: str, piece: str) -> Iterator[int]:
    place = text.find(piece)
    while place >= 0:
        yield place
        place = text.find(piece, place + 1)


def _insert(secrets: list[str], secret: str) -> None:
    """Keep *secrets* in order and each of them once."""
    place = bisect(secrets, secret)
    if not place or secrets[place - 1] != secret:
        insort(secrets, secret)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
