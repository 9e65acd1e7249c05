"""Pages of dead letters, filtered by what the store lists them by and by the text in their arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tasks_platform.letters.message import Letter
from tasks_platform.letters.upgrades import current
from tasks_platform.store import EVERYTHING, Place, Store, Where

#: Letters that a search for a text reads before it asks to be called again.
SEARCHED: Final = 5_000
_CHUNK: Final = 250


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some letters, the newest first, and where to go on."""

    letters: list[Letter]
    #: What to give as *after* for the next page; None: there is none.
    after: Place | None
    #: How many letters were read for it: a search for a text reads so many and no more at a time.
    searched: int


def page_of(  # noqa: PLR0913 - which letters, and which of these
    store: Store,
    where: Where = EVERYTHING,
    text: str | None = None,
    *,
    after: Place | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Page:
    """Return up to *limit* letters that come *after* a place, and whose arguments have *text* in them.

    Without a text the first *offset* of them may be left out.
    """
    if text is None:
        found = [current(letter) for letter in store.letters(offset, limit + 1, where=where, after=after)]
        more = len(found) > limit
        return Page(
            letters=found[:limit], after=place_of(found[limit - 1]) if more else None, searched=len(found[:limit])
        )
    found, searched, wanted = [], 0, text.casefold()
    while searched < SEARCHED:
        chunk = [current(letter) for letter in store.letters(0, _CHUNK, where=where, after=after)]
        for number, letter in enumerate(chunk, 1):
            after = place_of(letter)
            if wanted in arguments_in_words(letter["message"]).casefold():
                found.append(letter)
            if len(found) == limit:
                return Page(letters=found, after=after, searched=searched + number)
        searched += len(chunk)
        if len(chunk) < _CHUNK:
            return Page(letters=found, after=None, searched=searched)
    return Page(letters=found, after=after, searched=searched)


def all_of(store: Store, where: Where = EVERYTHING, text: str | None = None) -> Iterator[Letter]:
    """Yield every letter, page by page."""
    after: Place | None = None
    while True:
        page = page_of(store, where, text, after=after, limit=_CHUNK)
        yield from page.letters
        if (after := page.after) is None:
            return


def place_of(letter: Letter) -> Place:
    """Return where *letter* stands among all."""
    return letter["died_at"], letter["id"]


def arguments_in_words(message: dict[str, Any]) -> str:
    """Return the arguments of a message, understood or raw, as the text that is searched and shown."""
    if message.get("raw"):
        return str(message["body"])
    return json.dumps([message["args"], message["kwargs"]], ensure_ascii=False)
