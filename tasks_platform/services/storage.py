"""Where files are kept, and what everybody who keeps them promises."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """What is known of a file after it was put."""

    key: str
    #: Bytes.
    size: int
    content_type: str
    #: SHA-256 of the content, in hexadecimal.
    digest: str

    @classmethod
    def of(cls, key: str, data: bytes, content_type: str) -> StoredFile:
        """Describe *data* under *key*."""
        return cls(key=key, size=len(data), content_type=content_type, digest=sha256(data).hexdigest())


class Storage(Protocol):
    """Keeps files under keys: relative POSIX paths such as ``acme/2026-10/INV-7.pdf``, see `check_key`.

    Every operation raises ServiceRefusedError for a bad key and ServiceUnavailableError when the place itself fails
    (a full disk, a missing permission): what a person can repair is tried again.
    """

    def put(self, key: str, data: bytes, *, content_type: str, overwrite: bool = False) -> StoredFile:
        """Keep *data* under *key*, whole or not at all; to put the same again changes nothing.

        Raises:
            ServiceRefusedError: other data is kept under *key*, and *overwrite* is not set.

        """
        ...

    def get(self, key: str) -> bytes:
        """Return what is kept under *key*.

        Raises:
            ServiceRefusedError: nothing is.

        """
        ...

    def exists(self, key: str) -> bool:
        """Tell whether something is kept under *key*."""
        ...

    def path_or_url(self, key: str) -> str:
        """Return where a person finds what is (or will be) kept under *key*."""
        ...
