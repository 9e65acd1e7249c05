"""Transient or permanent: what an error says about trying again.

Errors of libraries that the platform does not import are known by what they carry (an HTTP status, an SMTP
code, an SQL state), so that no library has to be installed for its errors to be understood.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from enum import Enum

from pydantic import ValidationError

from tasks_platform.errors import (
    FollowedJobFailedError,
    PartialFailureError,
    PayloadError,
    PermanentError,
    ResultNotStoredError,
    TaskDefinitionError,
    TransientError,
)


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
_TRANSIENT_SQLITE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
#: Plain ``OSError``s; those of refused, reset and timed-out connections have types of their own.
_TRANSIENT_ERRNO = frozenset({errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETRESET, errno.ENETUNREACH})
_PERMANENT_TYPES = (FollowedJobFailedError, PayloadError, PermanentError, TaskDefinitionError, ValidationError)
_TRANSIENT_NAMES = frozenset(
    {
        "BusyLoadingError",
        "ReadOnlyError",
        "SMTPServerDisconnected",
        "SSLEOFError",
        "SoftTimeLimitExceeded",
        "Terminated",
        "TimeLimitExceeded",
        "WorkerLostError",
        "gaierror",
    }
)
_NETWORK_LIBRARIES = frozenset(
    {"aiohttp", "botocore", "httpcore", "httpcore2", "httpx", "httpx2", "kombu", "redis", "requests", "urllib3"}
)
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
_HTTP_STATUSES = range(100, 600)
_CLIENT_ERROR = 400
#: Of HTTP; in SMTP the codes from here on mean "for good".
_SERVER_ERROR = 500


def classify(error: BaseException) -> Kind:
    """Tell whether *error* is transient, permanent or unknown."""
    if (kind := _of_the_platform(error)) is not None:
        return kind
    if isinstance(error, BaseExceptionGroup):
        return _of_group({classify(part) for part in error.exceptions})
    if (status := _http_status(error)) is not None:
        return _of_http(status)
    if codes := _smtp_codes(error):
        return Kind.PERMANENT if any(code >= _SERVER_ERROR for code in codes) else Kind.TRANSIENT
    return Kind.TRANSIENT if _is_network_error(error) or _sql_is_transient(error) else Kind.UNKNOWN


def _of_the_platform(error: BaseException) -> Kind | None:
    """Tell the kind of an error whose type says it; None for any other."""
    if isinstance(error, TransientError):
        return Kind.TRANSIENT
    if isinstance(error, PartialFailureError) and error.__cause__ is not None:
        return classify(error.__cause__)
    if isinstance(error, ResultNotStoredError):
        lost = error.__cause__ is not None and classify(error.__cause__) is Kind.TRANSIENT
        return Kind.TRANSIENT if lost else Kind.PERMANENT  # what cannot be encoded never can
    return Kind.PERMANENT if isinstance(error, _PERMANENT_TYPES) else None


def _of_group(kinds: set[Kind]) -> Kind:
    """Try again what may help a part; a group is permanent when all of it is."""
    if Kind.TRANSIENT in kinds:
        return Kind.TRANSIENT
    return Kind.UNKNOWN if Kind.UNKNOWN in kinds else Kind.PERMANENT


def _of_http(status: int) -> Kind:
    if status in _TRANSIENT_STATUS or status >= _SERVER_ERROR:
        return Kind.TRANSIENT
    return Kind.PERMANENT if status >= _CLIENT_ERROR else Kind.UNKNOWN


def _http_status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    found = [getattr(holder, name, None) for holder in (response, error) for name in ("status_code", "status")]
    if isinstance(response, Mapping):  # botocore's
        found.append((response.get("ResponseMetadata") or {}).get("HTTPStatusCode"))
    if isinstance(error, OSError):  # urllib's
        found.append(getattr(error, "code", None))
    return next((status for status in found if isinstance(status, int) and status in _HTTP_STATUSES), None)


def _smtp_codes(error: BaseException) -> list[int]:
    """Return what a mail server answered: to the message, or about each recipient it refused."""
    if isinstance(code := getattr(error, "smtp_code", None), int):
        return [code]
    recipients = getattr(error, "recipients", None)
    return [code for code, _ in recipients.values()] if isinstance(recipients, Mapping) else []


def _sql_is_transient(error: BaseException) -> bool:
    if getattr(error, "connection_invalidated", False):
        return True
    original = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        # the low byte is the error, what is above it says more about it
        return getattr(original, "sqlite_errorcode", 0) & 0xFF in _TRANSIENT_SQLITE
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return state is not None and (str(state) in _TRANSIENT_SQLSTATE or str(state).startswith("08"))


def _is_network_error(error: BaseException) -> bool:
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    if isinstance(error, OSError):
        if error.errno in _TRANSIENT_ERRNO:
            return True
        if isinstance(reason := getattr(error, "reason", None), OSError):  # urllib's
            return _is_network_error(reason)
    names = {parent.__name__ for parent in type(error).__mro__}
    library = type(error).__module__.partition(".")[0]
    return bool(names & _TRANSIENT_NAMES) or (library in _NETWORK_LIBRARIES and bool(names & _NETWORK_NAMES))
