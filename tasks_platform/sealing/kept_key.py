"""A laptop's key: made when it is first needed, and kept for this user alone."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from tasks_platform.errors import SealingError
from tasks_platform.sealing.keys import KeyRing, new_key


def kept_ring(state_dir: Path) -> KeyRing:
    """Return the key in *state_dir*; it is made there if there is none, once, however many processes ask.

    Raises:
        SealingError: if it cannot be kept or read.

    """
    path = state_dir.expanduser().absolute() / "sealing.keys"
    try:
        if not path.exists():
            _make(path)
        return KeyRing.read(path.read_text())
    except (OSError, ValueError) as error:
        raise SealingError(f"the key of this user's own server cannot be kept in {path}: {error}") from None


def _make(path: Path) -> None:
    """Write a new key whole or not at all; of several writers at a time one succeeds."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # a random name: a key that is made again after its file was lost must not be taken for the old one
    entry = new_key(f"local-{secrets.token_hex(4)}")
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with os.fdopen(os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{entry}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(hidden, path)
    finally:
        hidden.unlink(missing_ok=True)
