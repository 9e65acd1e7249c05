"""How names of clients and projects are compared."""

from __future__ import annotations

import unicodedata


def plain_name(name: str) -> str:
    """Return *name* without outer blanks, composed (NFC), case kept.

    The same name from two machines may differ in how its accents are written, and looks the same.
    """
    return unicodedata.normalize("NFC", name.strip())


def alphabetical(name: str) -> tuple[str, str]:
    """Return the key that sorts names as a person looks for them, the same on every database: accents and case last."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold(), name
