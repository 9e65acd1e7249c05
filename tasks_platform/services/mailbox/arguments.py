"""The command line of a mailbox."""

from __future__ import annotations

import argparse
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from tasks_platform.services.mailbox.options import Options
from tasks_platform.services.mailbox.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; a wrong one ends the process with a hint."""
    parser = argparse.ArgumentParser(
        prog="python -m tasks_platform.services.mailbox",
        description="Take mail on 127.0.0.1 and file it in a folder.",
    )
    add = parser.add_argument
    add("--folder", type=Path, required=True, help="where accepted mail is filed, one .eml for each")
    add("--port", type=int, default=0, help="default: any free port, see the ready line")
    add("--refuse", action="append", default=[], metavar="ADDRESS-OR-DOMAIN", help="answer 550; may be given again")
    add("--defer", action="append", default=[], metavar="ADDRESS-OR-DOMAIN", help="answer 451; may be given again")
    add("--tls-cert", type=Path, help="a certificate; nothing is taken unencrypted then")
    add("--tls-key", type=Path, help="its key, when it is in a file of its own")
    add("--tls-mode", choices=["starttls", "implicit"], default="starttls")
    add("--auth-env", metavar="NAME", help="the environment variable with the user:password to ask for")
    add("--ready-file", type=Path, help="holds host, port and pid as JSON while the mailbox is ready")
    add("--parent", type=int, metavar="PID", help="the process that starts it: without it, the mailbox does not start")
    return parser.parse_args(arguments)


def options_from(arguments: argparse.Namespace) -> Options:
    """Return what *arguments* ask for.

    Raises:
        ValueError: they contradict each other, or the environment lacks what they name.
        OSError: a certificate cannot be read.

    """
    return Options(
        folder=arguments.folder,
        rules=Rules(refuse=tuple(arguments.refuse), defer=tuple(arguments.defer)),
        port=arguments.port,
        tls=_tls(arguments.tls_cert, arguments.tls_key),
        tls_mode=arguments.tls_mode,
        auth=_auth(arguments.auth_env, encrypted=arguments.tls_cert is not None),
    )


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    return tls


def _auth(variable: str | None, *, encrypted: bool) -> tuple[str, str] | None:
    if variable is None:
        return None
    if not encrypted:
        raise ValueError("--auth-env needs --tls-cert: passwords are not taken over an unencrypted connection")
    user, separator, password = os.environ.get(variable, "").partition(":")
    if not separator:
        raise ValueError(f"the environment variable {variable} has to be set to user:password")
    return user, password
