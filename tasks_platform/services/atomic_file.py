"""Files that are there whole or not at all, also after a kill or a power cut.

The data is written under a hidden name, forced to the disk, and only then given its name. What a kill leaves behind
is a hidden file that nobody reads. *folder* is the descriptor of an open folder, so that what its path means cannot
change meanwhile. The file system has to have hard links.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def write_new(folder: int, name: str, data: bytes) -> None:
    """Write *data* to the new file *name*; of several writers at a time one succeeds.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file cannot be written.

    """
    with _written(folder, data) as hidden:
        os.link(hidden, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)


def replace(folder: int, name: str, data: bytes) -> None:
    """Write *data* to the file *name*, whatever was there; readers see the old content or the new.

    Raises:
        OSError: the file cannot be written.

    """
    with _written(folder, data) as hidden:
        os.replace(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)


@contextmanager
def _written(folder: int, data: bytes) -> Iterator[str]:
    hidden = f".{secrets.token_hex(8)}.part"
    descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield hidden
    finally:
        with suppress(FileNotFoundError):  # renamed
            os.unlink(hidden, dir_fd=folder)
    os.fsync(folder)
