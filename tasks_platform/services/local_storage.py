"""Files in a folder of this machine."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError
from tasks_platform.services.atomic_file import replace, write_new
from tasks_platform.services.storage import StoredFile
from tasks_platform.services.storage_keys import check_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: What the system says when a part of a key is not what the key says it is: a link, a file, a folder, a legal name.
_NOT_AS_THE_KEY_SAYS = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})


class LocalStorage:
    """Keeps files below *folder*, and follows no symbolic link below it.

    The folder itself may be a link. It is made when the first file is put. Content types are not kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, data: bytes, *, content_type: str, overwrite: bool = False) -> StoredFile:
        """Keep *data* under *key*, whole or not at all; to put the same again changes nothing.

        Raises:
            ServiceRefusedError: other data is kept under *key* and *overwrite* is not set, or the key is bad.
            ServiceUnavailableError: the disk is full or refuses.

        """
        *folders, name = check_key(key)
        with _in_words(key), _opened(self._folder, folders, make=True) as folder:
            if overwrite:
                replace(folder, name, data)
            else:
                _put_once(folder, name, data, key)
        return StoredFile.of(key, data, content_type)

    def get(self, key: str) -> bytes:
        """Return what is kept under *key*.

        Raises:
            ServiceRefusedError: nothing is, or the key is bad.
            ServiceUnavailableError: the disk refuses.

        """
        *folders, name = check_key(key)
        with _in_words(key):
            try:
                with _opened(self._folder, folders) as folder:
                    return _read(folder, name)
            except FileNotFoundError as error:
                raise ServiceRefusedError(f"Nothing is kept under {key!r} in {self._folder}.") from error

    def exists(self, key: str) -> bool:
        """Tell whether something is kept under *key*.

        Raises:
            ServiceRefusedError: the key is bad.
            ServiceUnavailableError: the disk refuses.

        """
        *folders, name = check_key(key)
        with _in_words(key):
            try:
                with _opened(self._folder, folders) as folder:
                    return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
            except (FileNotFoundError, NotADirectoryError):
                return False

    def path_or_url(self, key: str) -> str:
        """Return the path of what is (or will be) kept under *key*."""
        return str(self._folder.absolute().joinpath(*check_key(key)))


def _put_once(folder: int, name: str, data: bytes, key: str) -> None:
    with suppress(FileNotFoundError):  # nothing yet: the usual case, and the write decides
        if _read(folder, name) == data:
            return
    try:
        write_new(folder, name, data)
    except FileExistsError:
        if _read(folder, name) != data:
            raise ServiceRefusedError(
                f"Other data is kept under {key!r}. Choose another key, or say overwrite=True."
            ) from None


def _read(folder: int, name: str) -> bytes:
    with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
        return file.read()


@contextmanager
def _opened(root: Path, folders: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """Open the innermost of *folders* step by step, so that no link can lead out of *root*, not even a new one."""
    if make:
        root.mkdir(parents=True, exist_ok=True)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in folders:
            if make:
                _make(folder, name)
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _make(folder: int, name: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
        os.fsync(folder)


@contextmanager
def _in_words(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_AS_THE_KEY_SAYS:
            raise ServiceRefusedError(
                f"{key!r} cannot be used: a part of it is a link, a folder, a file or a name too long ({error})."
            ) from error
        raise ServiceUnavailableError(f"The storage failed at {key!r}: {error}.") from error
