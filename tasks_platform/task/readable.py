"""Whether a message is what it says it is, asked before Celery reads it: some that are not would end the worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def flaw_of(message: Any) -> str | None:
    """Tell what makes a task message unreadable; None if nothing does, or where Celery finds it out itself."""
    headers = message.headers
    if headers is None:
        return None
    if not isinstance(headers, Mapping):
        return "its headers are no mapping"
    return (_flaw_of_headers(headers) or _flaw_of_body(message)) if "task" in headers else None


def _flaw_of_headers(headers: Mapping[str, Any]) -> str | None:
    if not (isinstance(headers["task"], str) and isinstance(headers.get("id"), str)):
        return "its headers name no task or no id"
    if not isinstance(headers.get("retries") or 0, int):
        return "its header 'retries' is no number"
    if not _are_limits(headers.get("timelimit")):
        return "its header 'timelimit' is no pair of numbers"
    if not all(_is_moment(headers.get(name)) for name in ("eta", "expires")):
        return "its header 'eta' or 'expires' is no moment of the calendar"
    return None


def _are_limits(limits: Any) -> bool:
    if limits is None:
        return True
    return (
        isinstance(limits, list | tuple)
        and len(limits) == 2  # noqa: PLR2004 - hard and soft
        and all(limit is None or (isinstance(limit, int | float) and limit >= 0) for limit in limits)
    )


def _is_moment(text: Any) -> bool:
    if text is None:
        return True
    try:
        datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _flaw_of_body(message: Any) -> str | None:
    try:
        body = message.payload
    except Exception:  # noqa: BLE001 - whatever a decoder raises, Celery comes upon it, too
        return None
    match body:
        case [[*_], {}, {} | None] | {"args": _}:
            return None
    return "its body is not [arguments, keyword arguments, options]"
