"""A certificate authority to throw away, made by the system's openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """An authority, and a certificate of it for ``localhost``, and only for this name."""

    ca: Path
    certificate: Path
    key: Path


def make_certificates(folder: Path) -> Certificates:
    """Make them in *folder*; they are valid for a day."""
    made = Certificates(ca=folder / "ca.pem", certificate=folder / "server.pem", key=folder / "server.key")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    ca = ["-subj", "/CN=Throw-away CA", "-addext", "keyUsage=critical,keyCertSign"]
    _openssl("req", "-x509", *key, *ca, "-keyout", f"{folder}/ca.key", "-out", str(made.ca))
    names = "subjectAltName=DNS:localhost"
    authority = ["-CA", str(made.ca), "-CAkey", f"{folder}/ca.key"]
    files = ["-keyout", str(made.key), "-out", str(made.certificate)]
    server = ["-subj", "/CN=localhost", "-addext", names, "-addext", "basicConstraints=critical,CA:FALSE"]
    _openssl("req", "-x509", *key, *authority, *server, *files)
    return made


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
