"""Put all of Flower behind its login, and its answers through the masks.

Flower itself asks for a login page by page, and leaves ``/metrics`` and ``/healthcheck`` open. Here every handler of
its table is wrapped: what a later Flower adds is not open by accident.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from typing import Any

from flower.views.monitor import Healthcheck, Metrics  # type: ignore[import-untyped]
from tornado.web import RequestHandler, StaticFileHandler, url

from tasks_platform.console.answers import masked_answer
from tasks_platform.console.logins import admitted

log = logging.getLogger(__name__)


class Guarded(RequestHandler):
    """Asks for the login before the page is begun, and masks what it says."""

    #: The bearer token that opens this page, where one does.
    token: str | None = None

    def prepare(self) -> Awaitable[None] | None:
        """Refuse whoever does not give a login."""
        header = self.request.headers.get("Authorization", "")
        self._user = admitted(header, self.application.options.basic_auth or (), self.token)  # type: ignore[attr-defined]
        if self._user is not None:
            return super().prepare()
        if header:
            log.warning("refused a wrong login from %s at %s", self.request.remote_ip, self.request.path)
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Basic realm="Flower", charset="UTF-8"')
        self.finish("Access denied: log in.\n")
        return None

    def get_current_user(self) -> str | None:
        """Return who was let in."""
        return self._user

    def render(self, template_name: str, **values: Any) -> Any:
        """Show the page of a worker without secrets."""
        if isinstance(values.get("worker"), dict):
            values["worker"] = masked_answer(values["worker"])
        return super().render(template_name, **values)

    def write(self, chunk: str | bytes | dict[Any, Any]) -> None:
        """Answer a program without secrets."""
        super().write(masked_answer(chunk) if isinstance(chunk, dict) else chunk)


def guarded(handlers: Sequence[Any], *, token: str | None) -> list[Any]:
    """Return Flower's table of *handlers* behind its login; static files stay open, they are Flower's own."""
    return [_guarded(rule, token) for rule in handlers]


def _guarded(rule: Any, token: str | None) -> Any:
    if isinstance(rule, url):
        return url(rule.regex.pattern, _behind_login(rule.handler_class, token), rule.kwargs, rule.name)
    return (rule[0], _behind_login(rule[1], token), *rule[2:])


def _behind_login(page: type[RequestHandler], token: str | None) -> type[RequestHandler]:
    if issubclass(page, (Guarded, StaticFileHandler)):
        return page
    opens = token if issubclass(page, (Metrics, Healthcheck)) else None
    return type(page.__name__, (Guarded, page), {"token": opens, "__doc__": page.__doc__})
