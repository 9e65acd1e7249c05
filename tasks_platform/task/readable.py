"""Whether a message is what it says it is, asked before Celery reads it: some that are not would end the worker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tasks_platform.store import legible
from tasks_platform.task.envelope import HEADER


def flaw_of(message: Any) -> str | None:
    """Tell what makes a task message unreadable; None if nothing does, or where Celery finds it out itself."""
    headers = message.headers
    if headers is None:
        return None
    if not isinstance(headers, Mapping):
        return "its headers are no mapping"
    if "task" not in headers:
        return None
    return _flaw_of_headers(headers) or _flaw_of_address(message) or _flaw_of_body(message)


def _flaw_of_headers(headers: Mapping[str, Any]) -> str | None:
    if not (_is_text(headers["task"]) and _is_text(headers.get("id"))):
        return "its headers name no task or no id"
    own = headers.get(HEADER)
    if own and isinstance(own, Mapping) and "copy" in own and not _is_text(own["copy"]):
        return f"its header {HEADER!r} names the copy by what is no text"
    if not isinstance(headers.get("retries") or 0, int):
        return "its header 'retries' is no number"
    if not _are_limits(headers.get("timelimit")):
        return "its header 'timelimit' is no pair of numbers"
    if not (_is_moment(headers.get("eta")) and _is_moment(headers.get("expires"))):
        return "its header 'eta' or 'expires' is no moment of the calendar"
    return None


def _flaw_of_address(message: Any) -> str | None:
    """Find what it could not be sent again under, should it fail or be held."""
    queue = (message.delivery_info or {}).get("routing_key")
    return None if queue is None or _is_text(queue) else "the name of its queue is no text"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and (value.isascii() or legible(value) == value)


def _are_limits(limits: Any) -> bool:
    if limits is None or limits == [None, None]:
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
