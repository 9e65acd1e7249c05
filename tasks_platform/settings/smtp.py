"""The mail server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from tasks_platform.settings.group import Group


class Smtp(Group):
    """The mail server; without a host, mail is filed in the local mailbox folder."""

    host: str | None = None
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    #: The address mail is sent from.
    sender: str = "invoices@localhost"
    #: Seconds to wait for the server at every step.
    timeout: float = Field(default=20.0, gt=0)
    #: A file with the certificate authority of a server that the system does not trust.
    ca_file: Path | None = None
