"""A connection that outlives a restart of the server, and a switch of the master."""

from __future__ import annotations

from typing import Any, Final

from redis import ConnectionPool, Redis
from redis.backoff import ExponentialBackoff
from redis.connection import PythonRespSerializer
from redis.exceptions import BusyLoadingError, ConnectionError, DataError, TimeoutError  # noqa: A004 - Redis's own are meant
from redis.retry import Retry

from tasks_platform.broker.sentinel import PATIENCE, connection_options, is_sentinel

#: Lone surrogates, in whatever somebody sent: none may cost a record. That of hiredis refuses them.
_ODD: Final = "backslashreplace"
#: Longer arguments are sent as they are, and not copied.
_LONG: Final = 6000


def _encoded(value: Any) -> bytes | memoryview:
    """Return *value*, as redis-py takes it, as bytes."""
    if isinstance(value, (bytes, memoryview)):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise DataError(f"a {type(value).__name__} cannot be an argument of a command")
    return str(value).encode(errors=_ODD)


def connect(url: str, *, patience: int = 14, timeout: float = 10.0) -> Redis:
    """Open a client that outlives a restart of the server; 14 repeated attempts take about ten seconds.

    An answer that takes longer than *timeout* seconds is none.
    """
    timeout = min(timeout, PATIENCE) if is_sentinel(url) else timeout
    options: dict[str, Any] = {
        "decode_responses": True,
        "encoding_errors": _ODD,
        "command_packer": PythonRespSerializer(_LONG, _encoded),
        "retry": Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=patience),
        "retry_on_error": [ConnectionError, TimeoutError, BusyLoadingError],
        "health_check_interval": 10,
        "socket_connect_timeout": min(5.0, timeout),
        "socket_timeout": timeout,
    }
    if is_sentinel(url):
        return Redis.from_pool(ConnectionPool(**{**connection_options(url), **options}))
    return Redis.from_url(url, **options)
