"""Adopt: what lies in the broker's graveyard becomes dead letters."""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import TYPE_CHECKING, Any, Final

from tasks_platform.broker.leased.graveyard import Buried, Graveyard
from tasks_platform.broker.leased.payload import BadMessageError, read
from tasks_platform.broker.leased.transport import Transport
from tasks_platform.store import legible
from tasks_platform.task.stray import Stray

if TYPE_CHECKING:
    from tasks_platform.letters.queue import DeadLetterQueue

log = logging.getLogger(__name__)
#: What the cause of the letter is called.
_KINDS: Final = {"unreadable": "DecodeError", "rejected": "RejectedMessage", "delivery-limit": "DeliveryLimit"}


def adopt(queue: DeadLetterQueue, connection: Any, *, most: int = 100) -> int:
    """Write letters of what lies in the graveyard behind *connection*, oldest first; return of how many.

    A letter is written before its message leaves the graveyard: a kill between the two keeps both, and the letter is
    one.
    """
    if not isinstance(connection.transport, Transport):
        return 0  # another broker has none
    channel = connection.default_channel
    graveyard = Graveyard(channel.server, channel.names.graveyard)
    adopted = 0
    for stored, buried in graveyard.oldest(most):
        stray_of(buried, queue.by).bury(queue.store, _KINDS[buried.reason], legible(_cause(buried)))
        graveyard.remove(stored)
        adopted += 1
    return adopted


def stray_of(buried: Buried, worker: str) -> Stray:
    """Return the message that was *buried* as one that no task was given."""
    try:
        message = read(buried.raw)
        headers, properties = dict(message.get("headers") or {}), dict(message["properties"])
        body = _decoded(message.get("body") or "", properties.pop("body_encoding", None))
        tag = properties.pop("delivery_tag")
    except (BadMessageError, ValueError):
        message, headers, properties, tag = {}, {}, {}, ""
        body = buried.raw.decode("utf-8", "backslashreplace")
    digest = hashlib.sha256(tag.encode() + buried.raw).hexdigest()[:32]
    raw = {
        "raw": True,
        "body": body,
        "headers": headers,
        "properties": properties,
        "content_type": message.get("content-type"),
        "content_encoding": message.get("content-encoding"),
        "queue": (properties.get("delivery_info") or {}).get("routing_key") or buried.queue,
    }
    name = str(headers.get("task") or "(unknown)")
    return Stray(job_id=legible(str(headers.get("id") or digest)), task=legible(name), raw=raw, worker=worker)


def _cause(buried: Buried) -> str:
    who = f": {', '.join(buried.workers)}" if buried.workers else ""
    return f"the broker gave the message up ({buried.detail}{who})"


def _decoded(body: str, encoding: str | None) -> str:
    return base64.b64decode(body).decode("utf-8", "backslashreplace") if encoding == "base64" else body
