"""Transient or permanent: what an error says about trying again.

Errors of libraries that the platform does not import are known by what they carry (an HTTP status, an SMTP
code, an SQL state), so that no library has to be installed for its errors to be understood.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from pydantic import ValidationError

from tasks_platform.errors import PayloadError, PermanentError, ResultNotStoredError, TransientError


class Kind(Enum):
    """What an error says about trying again."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    #: Neither: retried, because a dead letter should not be made of what a second attempt cures.
    UNKNOWN = "unknown"


#: HTTP: request timeout, too early, too many requests.
_TRANSIENT_STATUS = frozenset({408, 425, 429})
#: SQLSTATE: serialization failure, deadlock, lock not available, admin shutdown, cannot connect now.
_TRANSIENT_SQLSTATE = frozenset({"40001", "40P01", "55P03", "57P01", "57P03"})
_TRANSIENT_NAMES = frozenset(
    {
        "BusyLoadingError",
        "ReadOnlyError",
        "SSLEOFError",
        "SoftTimeLimitExceeded",
        "Terminated",
        "TimeLimitExceeded",
        "WorkerLostError",
        "gaierror",
    }
)
_NETWORK_LIBRARIES = frozenset({"aiohttp", "httpcore", "httpx", "kombu", "redis", "requests", "urllib3"})
_NETWORK_NAMES = frozenset(
    {
        "ConnectError",
        "ConnectionError",
        "NetworkError",
        "OperationalError",
        "Timeout",
        "TimeoutError",
        "TimeoutException",
    }
)
_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_REDIRECT_END = 600


def classify(error: BaseException) -> Kind:
    """Tell whether *error* is transient, permanent or unknown."""
    if isinstance(error, (TransientError, ConnectionError)) and _http_status(error) is None:
        return Kind.TRANSIENT
    if isinstance(error, ResultNotStoredError):
        lost = error.__cause__ is not None and classify(error.__cause__) is Kind.TRANSIENT
        return Kind.TRANSIENT if lost else Kind.PERMANENT  # what cannot be encoded never can
    if isinstance(error, (PermanentError, PayloadError, ValidationError)):
        return Kind.PERMANENT
    if (status := _http_status(error)) is not None:
        return _of_status(status)
    if (code := getattr(error, "smtp_code", None)) is not None:
        return Kind.TRANSIENT if int(code) < _SERVER_ERROR else Kind.PERMANENT
    return Kind.TRANSIENT if _sql_is_transient(error) or _is_network_error(error) else Kind.UNKNOWN


def retry_after(error: BaseException) -> float | None:
    """Return the seconds after which the other side asked to be called again (``Retry-After``), if it did."""
    if isinstance(own := getattr(error, "retry_after", None), (int, float)):
        return max(0.0, float(own))
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None)
    try:
        value = headers.get("Retry-After") or headers.get("retry-after")
    except AttributeError:
        return None
    return _seconds(str(value)) if value else None


def _of_status(status: int) -> Kind:
    if status in _TRANSIENT_STATUS or _SERVER_ERROR <= status < _REDIRECT_END:
        return Kind.TRANSIENT
    return Kind.PERMANENT if _CLIENT_ERROR <= status < _SERVER_ERROR else Kind.UNKNOWN


def _http_status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    for holder, name in ((response, "status_code"), (response, "status"), (error, "status_code"), (error, "status")):
        if isinstance(value := getattr(holder, name, None), int):
            return value
    # urllib.error.HTTPError is an OSError that calls it code
    code = getattr(error, "code", None)
    return code if isinstance(error, OSError) and isinstance(code, int) else None


def _sql_is_transient(error: BaseException) -> bool:
    if getattr(error, "connection_invalidated", False):
        return True
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    if state is not None:
        return str(state) in _TRANSIENT_SQLSTATE or str(state).startswith("08")
    return type(original).__module__ == "sqlite3" and "locked" in str(original)


def _is_network_error(error: BaseException) -> bool:
    if isinstance(error, TimeoutError):
        return True
    names = {parent.__name__ for parent in type(error).__mro__}
    library = type(error).__module__.partition(".")[0]
    return bool(names & _TRANSIENT_NAMES) or (library in _NETWORK_LIBRARIES and bool(names & _NETWORK_NAMES))


def _seconds(value: str) -> float | None:
    """Read a ``Retry-After`` header: seconds or an HTTP date (RFC 9110, section 10.2.3)."""
    if value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
