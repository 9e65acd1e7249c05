"""Flower, the pages on which people watch workers and jobs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from tasks_platform.settings.group import Group


def _without_colon(user: str) -> str:
    """Refuse what the login of a browser cannot carry (RFC 7617)."""
    if not user or ":" in user:
        raise ValueError("a user name has at least one character, and none of them is a colon")
    return user


def _not_empty(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value():
        raise ValueError("an empty secret would let everybody in; leave the variable out instead")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_not_empty)]


class Flower(Group):
    """Who may see Flower, and where it listens."""

    user: Annotated[str, AfterValidator(_without_colon)] = "admin"
    #: Without one, a password is made at every start and printed.
    password: Secret | None = None
    #: A bearer token that opens ``/metrics`` and ``/healthcheck``, and nothing else.
    metrics_token: Secret | None = None
    #: The address to listen on; the default is reached from this machine alone.
    address: str = "127.0.0.1"
    port: int = Field(default=5555, ge=1, le=65535)
    #: Jobs to remember; the least recent ones are forgotten.
    max_tasks: int = Field(default=10_000, ge=1)
