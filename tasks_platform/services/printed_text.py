"""Text as a document can show it."""

from __future__ import annotations

import re
from unicodedata import category

#: Emoji and what modifies them: no text font has them, and a document says the same without.
_PICTURES = re.compile("[\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u20e3\U0001f000-\U0001faff]")
#: Joiners belong to the spelling of some languages.
_KEPT = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


def clean(text: str) -> str:
    """Leave out what cannot be seen or printed: emoji, control and formatting characters, halves of pairs.

    Formatting characters would also be copied out of the document between digits, or turn the direction of a line.
    """
    words = (_PICTURES.sub("", word).strip(_KEPT) for word in text.split())
    visible = ("".join(c for c in word if c in _KEPT or category(c) not in {"Cc", "Cf", "Cs"}) for word in words)
    return " ".join(filter(None, visible))
