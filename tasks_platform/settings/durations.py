"""Durations as a variable gives them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator


def _seconds(value: Any) -> Any:
    """Read the number of a variable, which is text, as seconds."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


#: Seconds, or a duration in the words of ISO 8601: ``90``, ``PT2H``, ``P1D``.
Duration = Annotated[timedelta, BeforeValidator(_seconds)]
