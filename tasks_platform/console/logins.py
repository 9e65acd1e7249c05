"""Who may see a page: decided from one header of the request."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Sequence


def admitted(header: str, logins: Sequence[str], token: str | None = None) -> str | None:
    """Return who asks, if the ``Authorization`` *header* holds one of *logins* (``user:password``) or *token*."""
    scheme, _, given = header.strip().partition(" ")
    if scheme.lower() == "basic":
        return _user(given.strip(), logins)
    if scheme.lower() == "bearer" and token is not None and _same(given.strip().encode(), token):
        return "token"
    return None


def _user(given: str, logins: Sequence[str]) -> str | None:
    try:
        credentials = b64decode(given, validate=True)
    except ValueError:
        return None
    # every login is compared, so that time does not tell which user exists
    found = [login for login in logins if ":" in login and _same(credentials, login)]
    return found[0].partition(":")[0] if found else None


def _same(given: bytes, expected: str) -> bool:
    return hmac.compare_digest(given, expected.encode())
