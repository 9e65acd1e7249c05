"""Adopt: what lies in the broker's graveyard becomes dead letters."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from tasks_platform.broker.leased.graveyard import Buried, Graveyard
from tasks_platform.broker.leased.payload import BadMessageError, read
from tasks_platform.broker.leased.transport import Transport
from tasks_platform.sealing import UNTRUSTED, distrust
from tasks_platform.store import legible
from tasks_platform.task.cancel_mark import CancelMark
from tasks_platform.task.ending import end_cancelled
from tasks_platform.task.envelope import deaths_in
from tasks_platform.task.insist import TROUBLE
from tasks_platform.task.stray import Stray

if TYPE_CHECKING:
    from tasks_platform.letters.queue import DeadLetterQueue

log = logging.getLogger(__name__)
#: What the cause of the letter is called.
_KINDS: Final = {"unreadable": "DecodeError", "rejected": "RejectedMessage", "delivery-limit": "DeliveryLimit"}
#: The same for a reason that only a newer release knows.
_OTHER: Final = "GivenUp"
#: Seconds for which it is left to whoever has cancelled a job to give back what it held.
_BEING_CANCELLED: Final = 10.0


def given_up(connection: Any) -> int:
    """Tell how much lies in the graveyard behind *connection*."""
    graveyard = _graveyard(connection)
    return 0 if graveyard is None else len(graveyard)


def adopt(queue: DeadLetterQueue, connection: Any, *, most: int = 100) -> int:
    """Take what lies in the graveyard behind *connection*, oldest first; return of how much there is a letter now.

    A letter is written before its message leaves the graveyard: a kill between the two keeps both, and the letter is
    one.
    """
    graveyard = _graveyard(connection)
    if graveyard is None:
        return 0
    adopted = 0
    for stored, buried in graveyard.oldest(most):
        if buried.reason == "cancelled":
            adopted += _cancel(queue, connection, graveyard, stored, buried)
            continue
        try:
            _keep(queue, buried)
        except TROUBLE:
            raise
        except Exception as error:  # whatever it says of itself, it must not keep the others from their letters
            log.exception("a message in the graveyard cannot be understood; its letter has it as it lies there")
            detail = f"it lay in the graveyard and could not be understood: {error!r}"
            _keep(queue, Buried(reason="unreadable", detail=detail, queue="", raw=stored))
        graveyard.remove(stored)
        adopted += 1
    return adopted


def _cancel(queue: DeadLetterQueue, connection: Any, graveyard: Graveyard, stored: bytes, buried: Buried) -> int:
    """Give back what a job held that was cancelled by somebody who could not do so, or was killed before."""
    mark = CancelMark.read(buried.detail)
    if time.time() - mark.at < _BEING_CANCELLED:
        return 0
    if not end_cancelled(queue.app, connection.default_channel, buried.raw, mark):
        log.warning("a cancelled job is of a task that nobody here knows: what it held is not given back")
    graveyard.remove(stored)
    return 1


def _graveyard(connection: Any) -> Graveyard | None:
    """Return where the broker behind *connection* keeps what it has given up; None if it gives nothing up."""
    if not isinstance(connection.transport, Transport):
        return None
    channel = connection.default_channel
    return Graveyard(channel.server, channel.names.graveyard)


def _keep(queue: DeadLetterQueue, buried: Buried) -> None:
    stray, body, tag = _read(buried, queue.by)
    signing = queue.settings.signing
    headers = stray.raw["headers"]
    if headers and (signing.ring or signing.required):
        why = distrust(signing.ring, headers, body, required=signing.required)
        if why is not None:
            # under an id of its own: it may call itself as an honest job is called
            named = replace(stray, job_id=f"untrusted-{_digest(tag, buried)}")
            named.bury(queue.store, UNTRUSTED, legible(f"not trusted: {why}; {_cause(buried)}"))
            return
    stray.bury(queue.store, _KINDS.get(buried.reason, _OTHER), legible(_cause(buried)))


def _read(buried: Buried, worker: str) -> tuple[Stray, bytes, str]:
    """Return the message that was *buried* as one that no task was given, its body as it was sent, and its tag."""
    try:
        message = read(buried.raw)
        headers, properties = dict(message.get("headers") or {}), dict(message["properties"])
        body = _decoded(message.get("body") or "", properties.pop("body_encoding", None))
        tag: str = properties.pop("delivery_tag")
    except (BadMessageError, ValueError):
        message, headers, properties, tag = {}, {}, {}, ""
        body = buried.raw
    raw = {
        "raw": True,
        "body": body.decode("utf-8", "backslashreplace"),
        "headers": headers,
        "properties": properties,
        "content_type": message.get("content-type"),
        "content_encoding": message.get("content-encoding"),
        "queue": (properties.get("delivery_info") or {}).get("routing_key") or buried.queue,
    }
    name, job_id = str(headers.get("task") or "(unknown)"), str(headers.get("id") or _digest(tag, buried))
    stray = Stray(job_id=legible(job_id), task=legible(name), raw=raw, worker=worker, deaths=deaths_in(headers))
    return stray, body, tag


def _digest(tag: str, buried: Buried) -> str:
    return hashlib.sha256(tag.encode("utf-8", "surrogatepass") + buried.raw).hexdigest()[:32]


def _cause(buried: Buried) -> str:
    who = f": {', '.join(buried.workers)}" if buried.workers else ""
    return f"the broker gave the message up ({buried.detail}{who})"


def _decoded(body: str, encoding: str | None) -> bytes:
    return base64.b64decode(body) if encoding == "base64" else body.encode("utf-8", "surrogatepass")
