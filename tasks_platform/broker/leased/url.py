"""What stands behind the plus sign of ``leased+redis://...``: kombu leaves it to the transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from kombu.utils.url import parse_ssl_cert_reqs


def server_of(url: str, database: Callable[[str], int]) -> dict[str, Any]:
    """Return host, port and database of a server that is reached over TCP; nothing for a socket, or for a bare name."""
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "rediss"}:
        return {}
    return {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or 6379,
        "db": database(parts.path.lstrip("/")),
    }


def as_first(transport: str, client: Any) -> None:
    """Let *client*, a connection that has switched to another URL of its list, look as if that had been its first one.

    Of the first one kombu keeps all that stands behind the plus sign as the host; it takes apart the others.
    """
    scheme = transport.partition("+")[2]
    if scheme == "rediss" and not client.ssl:
        client.ssl = {"ssl_cert_reqs": "required"}
    elif scheme == "socket":
        who = ":".join(quote(part, safe="") for part in (client.userid or "", client.password or ""))
        client.hostname = f"socket://{who}@/{client.virtual_host}" if who != ":" else f"socket:///{client.virtual_host}"
        client.virtual_host = None


def tls_of(url: str) -> dict[str, Any] | None:
    """Return how the server at *url* is to be trusted, None if the connection is not encrypted.

    Unless the URL says otherwise (``ssl_cert_reqs``, ``ssl_ca_certs`` and so on), its certificate must be valid.
    """
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return None
    found: dict[str, Any] = {name: value for name, value in parse_qsl(parts.query) if name.startswith("ssl_")}
    wanted = parse_ssl_cert_reqs(found["ssl_cert_reqs"]) if "ssl_cert_reqs" in found else "required"
    if "ssl_check_hostname" in found:
        found["ssl_check_hostname"] = found["ssl_check_hostname"].lower() != "false"
    return {**found, "ssl_cert_reqs": wanted}
