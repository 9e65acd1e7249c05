"""A use of the embedded server."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks_platform.embedded.locks import FileLock
from tasks_platform.embedded.watcher import Watcher


class EmbeddedServer:
    """One process's use of the server, from `start` or `join` to `close`.

    1. While it is open, this process holds the users' lock, and the supervisor keeps the server running: it is
       restarted on the same port, under the same password, with its data.
    2. A forked child holds the lock too, until it ends: what a worker's children still do is not cut off. It ends
       nothing when it exits. A program that is started does not hold the lock.
    3. Where it came from `start`, a thread looks once a second whether the supervisor lives, and starts another one if
       it was killed. The thread is this process's alone (forked children have none), and never there while
       the process forks.
    4. Closed, or at the end of the process, however that comes, the lock goes; with the last one the server ends
       within a second or two.

    The address stays the same for as long as it is open, unless another program takes the port in the moment in which
    the server is restarted: then the server moves, which its log says, and its users have to open it anew.
    """

    def __init__(  # noqa: PLR0913 - keyword-only; built in one place
        self, *, url: str, binary: Path, version: str, data: Path, users: FileLock, watcher: Watcher | None
    ) -> None:
        #: ``redis://:password@127.0.0.1:port/0``
        self.url = url
        #: The program that runs.
        self.binary = binary
        #: Its name and version: ``Valkey 9.1.2``.
        self.version = version
        #: The folder of its append-only file.
        self.data = data
        self._users: FileLock | None = users
        self._watcher = watcher
        self._opened_by = os.getpid()
        if watcher:
            watcher.start()

    def close(self) -> None:
        """Stop using the server; closing twice is closing once."""
        users, self._users = self._users, None
        if users is None:
            return
        if self._watcher and self._opened_by == os.getpid():
            self._watcher.stop()
        users.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Leave out the address, which holds the password."""
        return f"<EmbeddedServer {self.version} in {self.data}>"
