"""What may be told of a result without telling it."""

from __future__ import annotations

from typing import Any


def size_of(result: Any) -> str | None:
    """Return kind and size of a result in plain JSON; None if there is none."""
    match result:
        case None:
            return None
        case str():
            return f"text of {len(result)}"
        case dict():
            return f"object of {len(result)}"
        case list() | tuple():
            return f"list of {len(result)}"
    return type(result).__name__
