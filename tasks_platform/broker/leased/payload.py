"""A message as it is stored: JSON that plain kombu writes and reads, too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tasks_platform.broker import quick_json

#: How often a message came back from a worker that died, and the names of the last of them.
DELIVERIES: Final = "x-delivery-count"
DIED: Final = "x-delivery-died"
#: How often it came back so before anybody had begun with it.
UNBEGUN: Final = "x-delivery-unbegun"
#: When a delayed message was to be run: ``eta`` itself would make the worker wait once more.
TRUE_ETA: Final = "x-eta"
#: Why a job that waits for its time was set aside.
HELD: Final = "x-held"
#: The key of a message's ``delivery_info`` that says of a cancelled job who has said so, and why.
CANCELLED: Final = "cancelled"
_DIED_KEPT: Final = 5
#: How often a message may come back that nobody seems to have begun with: a worker may die before it says so.
_UNBEGUN_LIMIT: Final = 5


class BadMessageError(ValueError):
    """What stands in a queue is no message; it says why."""


def unmarked(raw: bytes) -> tuple[str | None, bytes]:
    """Return what stands in front of the message of a cancelled job, None for others, and the message."""
    if raw[:1] != b"\1":
        return None, raw
    mark, _, message = raw[1:].partition(b"\0")
    return mark.decode(errors="replace"), message


def write(message: Mapping[str, Any]) -> str:
    """Return *message* as it is stored."""
    return quick_json.write(message)


def read(raw: bytes) -> dict[str, Any]:
    """Return the message that is stored as *raw*.

    Raises:
        BadMessageError: if no worker could tell what it is.

    """
    try:
        message = quick_json.read(raw)
    except Exception as error:  # kombu's JSON makes objects of some dicts, and whatever they raise comes through
        raise BadMessageError(f"not JSON: {error!r}") from error
    if not isinstance(message, dict):
        raise BadMessageError(f"not an object but {type(message).__name__}")
    properties = message.get("properties")
    if not isinstance(properties, dict):
        raise BadMessageError("no object 'properties'")
    if not isinstance(properties.get("delivery_tag"), str):
        raise BadMessageError("no text 'properties.delivery_tag'")
    if not isinstance(properties.setdefault("delivery_info", {}), dict):
        raise BadMessageError("'properties.delivery_info' is no object")
    if not isinstance(message.get("headers", {}), dict | None):
        raise BadMessageError("'headers' is no object")
    if not isinstance(message.get("body", ""), str):
        raise BadMessageError("'body' is no text")
    return message


def due(message: Mapping[str, Any]) -> int | None:
    """Return when *message* is to be run, in ms since 1970; None if at once, or if nobody can tell."""
    eta = (message.get("headers") or {}).get("eta")
    if not isinstance(eta, str):
        return None
    try:
        moment = datetime.fromisoformat(eta)
        return math.ceil((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None  # the worker tells what is wrong with it


def start_now(message: dict[str, Any]) -> None:
    """Let a worker run *message* at once: it is due, or it came past a broker that had no delay."""
    headers = message.get("headers") or {}
    if headers.get("eta") is not None and due(message) is not None:
        headers[TRUE_ETA], headers["eta"] = headers["eta"], None


def returned(raw: bytes, *, from_dead: str | None = None, begun: bool = True) -> tuple[bytes, int]:
    """Return *raw* as it is put back, marked as redelivered, and how often it came *from* a worker that was *dead*.

    Where that worker had not *begun* with it, that does not count, unless it happens again and again.

    Raises:
        BadMessageError: if it cannot be read, or not be written again.

    """
    message = read(raw)
    headers = message["headers"] = message.get("headers") or {}
    headers["redelivered"] = True
    message["properties"]["delivery_info"]["redelivered"] = True
    died = _number(headers.get(DELIVERIES))
    unbegun = _number(headers.get(UNBEGUN))
    if from_dead is not None and not begun and unbegun < _UNBEGUN_LIMIT:
        headers[UNBEGUN] = unbegun + 1
    elif from_dead is not None:
        died += 1
        headers[DELIVERIES] = died
        headers[DIED] = [*_texts(headers.get(DIED)), from_dead][-_DIED_KEPT:]
    try:
        return write(message).encode(), died
    except Exception as error:  # of the types of an application, which kombu's JSON makes objects of
        raise BadMessageError(f"not to be written again: {error!r}") from error


def who_died(raw: bytes) -> list[str]:
    """Return the workers that died with the message *raw*."""
    return _texts((read(raw).get("headers") or {}).get(DIED))


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
