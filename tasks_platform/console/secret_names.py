"""Which names promise a secret: ``password``, ``apiKey``, ``X-Auth-Token``."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

#: A word of a name, in ``snake_case``, ``kebab-case``, ``camelCase`` or ``CAPITALS``.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET = re.compile(r".*(password|passwd|passphrase|secret|token|credential|apikey)s?|pass|pwd|authorization|cookies?")
#: What makes a key one that opens something.
_OPENING = frozenset({"api", "access", "private", "signing", "auth", "encryption"})


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Tell whether what is called *name* should not be shown."""
    words = [word.lower() for word in _WORD.findall(name)]
    if any(_SECRET.fullmatch(word) for word in words):
        return True
    return any(first in _OPENING and second == "key" for first, second in pairwise(words))
