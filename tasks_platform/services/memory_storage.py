"""Files in memory: the twin of the folder, for tests."""

from __future__ import annotations

from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.storage import StoredFile
from tasks_platform.services.storage_keys import check_key


class MemoryStorage:
    """Keeps files in this object."""

    def __init__(self) -> None:
        #: What is kept, by key.
        self.files: dict[str, bytes] = {}

    def put(self, key: str, data: bytes, *, content_type: str, overwrite: bool = False) -> StoredFile:
        """Keep *data* under *key*; to put the same again changes nothing.

        Raises:
            ServiceRefusedError: other data is kept under *key* and *overwrite* is not set, or the key is bad.

        """
        check_key(key)
        if overwrite:
            self.files[key] = data
        elif self.files.setdefault(key, data) != data:
            raise ServiceRefusedError(f"Other data is kept under {key!r}. Choose another key, or say overwrite=True.")
        return StoredFile.of(key, data, content_type)

    def get(self, key: str) -> bytes:
        """Return what is kept under *key*.

        Raises:
            ServiceRefusedError: nothing is, or the key is bad.

        """
        check_key(key)
        try:
            return self.files[key]
        except KeyError as error:
            raise ServiceRefusedError(f"Nothing is kept under {key!r}.") from error

    def exists(self, key: str) -> bool:
        """Tell whether something is kept under *key*."""
        check_key(key)
        return key in self.files

    def path_or_url(self, key: str) -> str:
        """Return a name for what is (or will be) kept under *key*."""
        return f"memory:{'/'.join(check_key(key))}"
