"""Named keys: the first one seals, all of them open."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: Bytes of a key: AES-256, and HMAC-SHA256 as strong as its digest.
KEY_SIZE: Final = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_EXPECTED = "NAME:KEY, the key being 32 bytes in base64, as 'tasks-platform keys new' prints it"


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """Named keys, in order."""

    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, text: str) -> KeyRing:
        """Read ``NAME:KEY`` entries separated by commas or line breaks; what follows a ``#`` is a comment.

        Raises:
            ValueError: naming the entry that is none by its number; nothing of it is shown.

        """
        lines = [line.partition("#")[0] for line in text.splitlines()]
        entries = [entry.strip() for line in lines for entry in line.split(",") if entry.strip()]
        keys: dict[str, bytes] = {}
        for number, entry in enumerate(entries, 1):
            name, _, encoded = entry.partition(":")
            key = _decoded(encoded.strip())
            if not _NAME.fullmatch(name) or key is None:
                raise ValueError(f"key {number} of {len(entries)} is not {_EXPECTED}")
            if name in keys:
                raise ValueError(f"key {number} of {len(entries)} has the name of an earlier one, {name!r}")
            keys[name] = key
        return cls(keys=keys)

    @property
    def active(self) -> str | None:
        """The name of the key that seals."""
        return next(iter(self.keys), None)

    def __bool__(self) -> bool:
        return bool(self.keys)


def new_key(name: str) -> str:
    """Return a new random key as an entry that `KeyRing.read` reads.

    Raises:
        ValueError: if *name* cannot name a key.

    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a key: letters, digits, and - _ . after the first; 64 at most")
    return f"{name}:{base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode()}"


def _decoded(encoded: str) -> bytes | None:
    """Return the key that *encoded* is, in either alphabet of base64 and with or without padding."""
    text = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_SIZE else None
