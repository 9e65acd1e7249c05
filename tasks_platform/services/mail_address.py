"""Which addresses mail can be sent to."""

from __future__ import annotations

import re

from tasks_platform.errors import ServiceRefusedError

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")
#: RFC 5321, 4.5.3.1.
_LONGEST_LOCAL_PART = 64
_LONGEST = 254


def ascii_address(email: str) -> str:
    """Return *email* as servers take it: a domain of other letters in its ASCII form (IDNA).

    Raises:
        ServiceRefusedError: no mail can be sent there: it is no address, or has other letters before the ``@``.

    """
    local, _, domain = email.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    address = f"{local}@{domain}"
    if (
        not _LOCAL_PART.fullmatch(local)
        or not _DOMAIN.fullmatch(domain)
        or len(local) > _LONGEST_LOCAL_PART
        or len(address) > _LONGEST
    ):
        raise ServiceRefusedError(f"{email!r} is no mail address. Correct it and send the mail again.")
    return address
