"""Put on the disk what the server wrote."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def flush(data: Path) -> None:
    """Wait until everything in the append-only file is on the disk.

    The server could do this itself (``appendfsync everysec``), but while a slow disk is busy with it, the server keeps
    what it already acknowledged in its own memory for up to two seconds, and a kill loses it. Told not to flush, it
    hands every write to the operating system before it answers.
    """
    for path in (data / "appendonlydir").glob("*.aof"):
        with suppress(FileNotFoundError):  # rewritten meanwhile: the new file is flushed by the server
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
