"""How a mailbox is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tasks_platform.services.mailbox.rules import Rules


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line asks for."""

    folder: Path
    rules: Rules
    #: Zero: any free port.
    port: int = 0
    #: With one, nothing is taken over an unencrypted connection.
    tls: ssl.SSLContext | None = None
    #: Whether encryption begins with the connection or is asked for with STARTTLS.
    tls_mode: Literal["starttls", "implicit"] = "starttls"
    #: User and password that a sender has to know.
    auth: tuple[str, str] | None = None
