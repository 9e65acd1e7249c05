"""A connection that outlives a restart of the server."""

from __future__ import annotations

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError  # noqa: A004 - Redis's own are meant
from redis.retry import Retry


def connect(url: str, *, patience: int = 14, timeout: float = 10.0) -> Redis:
    """Open a client that outlives a restart of the server; 14 repeated attempts take about ten seconds.

    An answer that takes longer than *timeout* seconds is none.
    """
    lost = [ConnectionError, TimeoutError, BusyLoadingError]
    return Redis.from_url(
        url,
        decode_responses=True,
        encoding_errors="backslashreplace",  # lone surrogates, in whatever somebody sent: none may cost a record
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=patience),
        retry_on_error=lost,
        health_check_interval=10,
        socket_connect_timeout=min(5.0, timeout),
        socket_timeout=timeout,
    )
