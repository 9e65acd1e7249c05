"""Address: which sentinels know which master, and how to talk to them and to it; read from a URL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from kombu.utils.url import parse_ssl_cert_reqs

_PORT: Final = 26379
#: Where the URL of one sentinel ends and that of the next begins: passwords may have the sign, too.
_NEXT: Final = re.compile(r";(?=(?:leased\+)?sentinel://)")
_KNOWN: Final = frozenset(
    {"master_name", "min_other_sentinels", "sentinel_username", "sentinel_password", "ssl", "sentinel_ssl"}
)


@dataclass(frozen=True, kw_only=True)
class Sentinels:
    """Who knows where a master is."""

    master_name: str
    #: Host and port of each.
    hosts: tuple[tuple[str, int], ...]
    #: What else it takes to connect to one of them, as ``redis.Redis`` has it.
    options: tuple[tuple[str, Any], ...] = ()
    #: How many others a sentinel has to know, to be believed.
    min_others: int = 0


@dataclass(frozen=True, kw_only=True)
class Address:
    """A database of the server that is the master at the time."""

    sentinels: Sentinels
    db: int = 0
    username: str | None = None
    password: str | None = None
    #: How the server's certificate is to be trusted; None: the connection is not encrypted.
    tls: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, url: str, options: Mapping[str, Any] | None = None) -> Address:
        """Read *url*: those of all sentinels, joined by ``;``. What it does not say, kombu's transport *options* may.

        User, password, database and query are those of the URL that has them; where several have, of the first.

        Raises:
            ValueError: if it says too little, or something that nobody knows; no secret is shown.

        """
        parts = [urlsplit(one.removeprefix("leased+")) for one in each_of(url)]
        hosts = tuple((part.hostname or "127.0.0.1", part.port or _PORT) for part in parts)
        query = _query(parts)
        given = options or {}
        name = query.get("master_name") or given.get("master_name")
        if not name:
            raise ValueError(
                "the address names sentinels and no master: end it with ?master_name=..., the name after 'sentinel "
                "monitor' in sentinel.conf"
            )
        tls = _tls(query)
        whose = next((part for part in parts if part.username or part.password), None)
        return cls(
            sentinels=Sentinels(
                master_name=str(name),
                hosts=hosts,
                options=tuple(sorted({**(given.get("sentinel_kwargs") or {}), **_for_sentinels(query, tls)}.items())),
                min_others=int(query.get("min_other_sentinels") or given.get("min_other_sentinels") or 0),
            ),
            db=_database(next((path for part in parts if (path := part.path.strip("/"))), "0")),
            username=_plain(whose and whose.username),
            password=_plain(whose and whose.password),
            tls=tls,
        )


def is_sentinel(url: str) -> bool:
    """Tell whether *url* leads to a master by way of sentinels."""
    return url.removeprefix("leased+").startswith("sentinel://")


def each_of(url: str) -> list[str]:
    """Return the URLs of the sentinels that *url* joins; any other URL is one."""
    return _NEXT.split(url) if is_sentinel(url) else [url]


def _query(parts: Iterable[SplitResult]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        found = {**dict(parse_qsl(part.query)), **found}
    if unknown := sorted(name for name in found if name not in _KNOWN and not name.startswith("ssl_")):
        raise ValueError(
            f"the address of the sentinels says {', '.join(unknown)}; known are {', '.join(sorted(_KNOWN))} and ssl_..."
        )
    return found


def _database(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"the address of the sentinels says {text!r} where the number of the database is to stand")
    return int(text)


def _tls(query: Mapping[str, str]) -> dict[str, Any] | None:
    """Return how to trust the server; unless it says otherwise, its certificate must be valid."""
    found: dict[str, Any] = {name: value for name, value in query.items() if name.startswith("ssl_")}
    if not found and not _yes(query.get("ssl", "false")):
        return None
    wanted = parse_ssl_cert_reqs(found["ssl_cert_reqs"]) if "ssl_cert_reqs" in found else "required"
    if "ssl_check_hostname" in found:
        found["ssl_check_hostname"] = _yes(found["ssl_check_hostname"])
    return {**found, "ssl_cert_reqs": wanted}


def _for_sentinels(query: Mapping[str, str], tls: Mapping[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: query[f"sentinel_{name}"] for name in ("username", "password") if f"sentinel_{name}" in query
    }
    return {**found, "ssl": True, **tls} if tls is not None and _yes(query.get("sentinel_ssl", "true")) else found


def _yes(text: str) -> bool:
    return text.lower() not in {"false", "no", "0"}


def _plain(text: str | None) -> str | None:
    return unquote(text) if text else None
