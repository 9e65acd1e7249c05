"""Keep secrets out of what is printed, whoever wrote the text: libraries put URLs into their errors."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tasks_platform.broker.sentinel import each_of
from tasks_platform.errors import SettingsError
from tasks_platform.settings import Settings

_HIDDEN = "***"
#: Shorter ones would be found in any word.
_SHORTEST = 3
_SECRET_NAMES = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)


def checked_url(url: str) -> str:
    """Return *url* if its parts can be told apart.

    Raises:
        SettingsError: if not; the URL is not shown.

    """
    if not all(map(_is_readable, each_of(url))):
        raise SettingsError(
            "the URL cannot be read: in its user name and password, characters such as / ? # @ : % have to be "
            "percent-encoded"
        )
    return url


def _is_readable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - a port that is no number shows when it is asked for
    except ValueError:
        return False
    return "@" not in parts.path + parts.query + parts.fragment


def without_secrets(url: str) -> str:
    """Return *url* without user name, password and query."""
    return ";".join(map(_one_without_secrets, each_of(url)))


def _one_without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{_HIDDEN + '@' if '@' in parts.netloc else ''}{host}{port}{parts.path}"


class Censor:
    """Replaces the secrets of some settings wherever they stand in a text, also encoded for a URL or for SMTP."""

    def __init__(self, settings: Settings) -> None:
        spellings = {spelling for secret in _secrets_of(settings) for spelling in _spellings(secret)}
        known = sorted((text for text in spellings if len(text) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return *text* without secrets."""
        return self._pattern.sub(_HIDDEN, text) if self._pattern else text


def _secrets_of(settings: Settings) -> Iterator[str]:
    urls = (settings.redis_url, settings.broker_url, settings.database_url, settings.sentry.dsn)
    for url in (*urls, *settings.queue_servers.values()):
        if url is not None:
            yield from chain.from_iterable(map(_secrets_in, each_of(url.get_secret_value())))
    if settings.letters.webhook is not None:
        yield settings.letters.webhook.get_secret_value()
        yield from _secrets_in(settings.letters.webhook.get_secret_value())
    for group in (settings.sealing, settings.signing):
        if group.keys is not None:
            yield from re.findall(r"[^:,\s]{40,}", group.keys.get_secret_value())
    if settings.smtp.password is not None:
        password = settings.smtp.password.get_secret_value()
        yield password
        yield f"\0{settings.smtp.username}\0{password}"  # as AUTH PLAIN sends it


def _secrets_in(url: str) -> Iterator[str]:
    """Yield what a URL hides, found without trusting its form."""
    if found := re.match(r"[^:/]+://(?P<user>[^@/:]*)(?::(?P<password>.*))?@", url, re.DOTALL):
        yield found["password"] or found["user"]
    for name, value in parse_qsl(url.partition("?")[2]):
        if _SECRET_NAMES.search(name):
            yield value


def _spellings(secret: str) -> Iterator[str]:
    plain = unquote(secret)
    for text in (secret, plain):
        yield text
        yield quote(text, safe="")
        yield quote(text)
        yield repr(text)[1:-1]
        yield base64.b64encode(text.encode()).decode()
