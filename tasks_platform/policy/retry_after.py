"""When the other side asked to be called again."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

#: The longest wish that is granted, in seconds: a broken clock must not park a job for a century.
LONGEST = 30 * 86400.0


def retry_after(error: BaseException) -> float | None:
    """Return the seconds after which the other side asked to be called again (``Retry-After``), if it did."""
    if isinstance(own := getattr(error, "retry_after", None), (int, float)):
        return _bounded(own)
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None)
    try:
        value = headers.get("Retry-After") or headers.get("retry-after")
    except AttributeError:
        return None
    return _seconds(str(value).strip()) if value else None


def _seconds(value: str) -> float | None:
    """Read a ``Retry-After`` header: seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    if value.isascii() and value.isdecimal():
        return _bounded(float(value))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return _bounded((aware - datetime.now(UTC)).total_seconds())


def _bounded(seconds: float) -> float:
    return min(max(0.0, float(seconds)), LONGEST)
