"""``inspect stats``: what a worker tells of itself, without the password of its broker."""

from __future__ import annotations

from typing import Any

from celery.worker import control
from celery.worker.control import inspect_command
from kombu.utils.url import maybe_sanitize_url

_with_password: Any = control.stats  # type: ignore[attr-defined]


@inspect_command(name="stats")
def stats(state: Any, **_: Any) -> dict[str, Any]:
    """Request worker statistics/information."""
    told: dict[str, Any] = _with_password(state)
    broker = told.get("broker")
    if isinstance(broker, dict) and isinstance(broker.get("hostname"), str):
        # kombu takes a URL with a plus sign whole for the name of the host
        broker["hostname"] = maybe_sanitize_url(broker["hostname"])
    return told
