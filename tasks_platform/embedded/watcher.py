"""A thread that replaces a supervisor which was killed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import ClassVar

from tasks_platform.embedded.folder import Folder
from tasks_platform.embedded.locks import held_alone
from tasks_platform.errors import NoServerError

logger = logging.getLogger(__name__)

#: Seconds between two looks at a supervisor that lives.
INTERVAL = 1.0
#: The longest pause between two attempts to replace one that keeps ending.
LONGEST_PAUSE = 30.0


class Watcher:
    """Looks from time to time whether the supervisor of *folder* lives, and calls *launcher* if not.

    A process that forks while it has other threads may leave locks behind that nobody will ever open in the child, and
    Python warns of it; so the thread is ended before every fork of this process and started again after it.
    """

    _open: ClassVar[list[Watcher]] = []

    def __init__(self, folder: Folder, launcher: Callable[[], None]) -> None:
        self._folder = folder
        self._launcher = launcher
        self._pause = INTERVAL
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._open.append(self)
        self.resume()

    def stop(self) -> None:
        """Stop looking."""
        self._open.remove(self)
        self.pause()

    def resume(self) -> None:
        """Start the thread."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="embedded-server-watcher", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """End the thread; waits for an attempt that is under way."""
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._pause):
            self._look()

    def _look(self) -> None:
        try:
            if held_alone(self._folder.supervisor_lock):
                self._pause = INTERVAL
                return
            # Doubled until a supervisor is seen alive: one that cannot start its server ends every time.
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
            logger.warning("the supervisor of the embedded server in %s is gone; starting another", self._folder.root)
            self._launcher()
        except (NoServerError, OSError) as error:
            logger.warning("cannot start the embedded server in %s again: %s", self._folder.root, error)

    @classmethod
    def before_fork(cls) -> None:
        """End the threads."""
        for watcher in cls._open:
            watcher.pause()

    @classmethod
    def after_fork_in_parent(cls) -> None:
        """Start them again."""
        for watcher in cls._open:
            watcher.resume()


os.register_at_fork(
    before=Watcher.before_fork,
    after_in_parent=Watcher.after_fork_in_parent,
    # The child uses the server, but its supervisor is its parent's business.
    after_in_child=Watcher._open.clear,  # noqa: SLF001 - the class's own hook
)
