"""How a secret may be spelt where it must not be seen."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

#: Characters; shorter secrets would be found in any word, and are not looked for.
SHORTEST = 4
#: A line of a longer secret is a secret, too, if it has so many characters.
_SHORTEST_LINE = 8


def texts_in(value: Any) -> Iterator[str]:
    """Yield what is secret in a plain JSON *value*: texts and numbers, not the names of fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


def spellings(secret: str) -> set[str]:
    """Return *secret* as it stands in URLs, Python, JSON, HTML and base64, those that are long enough."""
    lines = secret.splitlines() if "\n" in secret else []
    found = {
        secret,
        quote(secret, errors="surrogatepass"),
        quote(secret, safe="", errors="surrogatepass"),
        quote_plus(secret, errors="surrogatepass"),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode().rstrip("="),
        *(line for line in lines if len(line) >= _SHORTEST_LINE),
    }
    return {text for text in found if len(text) >= SHORTEST}
