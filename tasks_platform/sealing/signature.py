"""Signed messages: whether what a worker takes from a queue was put there by somebody who has a key."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

from tasks_platform.sealing.keys import KeyRing

#: The header that carries the signature: ``<key>:<HMAC-SHA256 in base64>``.
SIGNATURE: Final = "signature"
#: What the letter of a message that is not to be trusted calls its cause.
UNTRUSTED: Final = "UntrustedMessage"
#: What brokers and kombu write into headers on the way. Everything else is signed.
_ON_THE_WAY: Final = (SIGNATURE, "compression", "redelivered")
_BY_THE_SERVER: Final = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-", "x-acquired-count")
#: Where a broker that keeps delays leaves what stood in ``eta``.
TRUE_ETA: Final = "x-eta"


def signature(ring: KeyRing, headers: Mapping[str, Any], body: bytes) -> str:
    """Return the signature, under the active key, of a message: all its headers, with the task's name, and its body.

    What is signed is the headers as JSON with sorted keys and without spaces, a line break, and the body as it is sent.
    """
    name = ring.active or ""
    return f"{name}:{_mac(ring.keys[name], headers, body).decode()}"


def distrust(ring: KeyRing, headers: Mapping[str, Any], body: bytes, *, required: bool) -> str | None:
    """Tell why a message is not to be trusted, None if it is.

    Unless signatures are *required*, messages without one pass, and those that were signed with a key that is not
    here: they are on their way while keys are rolled out.
    """
    given = headers.get(SIGNATURE)
    if given is None:
        return "it is not signed, and TASKS_SIGNING__REQUIRED is set" if required else None
    name, _, mac = given.partition(":") if isinstance(given, str) else ("", "", "")
    if name not in ring.keys:
        return f"it was signed with the key {name[:64]!r}, which this worker does not have" if required else None
    if not hmac.compare_digest(mac.encode("utf-8", "surrogatepass"), _mac(ring.keys[name], headers, body)):
        return f"it was changed after it was signed with the key {name!r}, or never was signed with it"
    return None


def _mac(key: bytes, headers: Mapping[str, Any], body: bytes) -> bytes:
    if TRUE_ETA in headers:
        headers = {**headers, "eta": headers[TRUE_ETA]}
    signed = {name: value for name, value in headers.items() if not _is_of_the_way(name)}
    text = json.dumps(signed, sort_keys=True, separators=(",", ":"), default=str)
    return base64.b64encode(hmac.digest(key, f"{text}\n".encode() + body, "sha256"))


def _is_of_the_way(name: str) -> bool:
    return name in _ON_THE_WAY or name == TRUE_ETA or name.startswith(_BY_THE_SERVER)
