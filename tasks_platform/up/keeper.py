"""Keep children running while this process does something else."""

from __future__ import annotations

import threading

from tasks_platform.up.child import Child
from tasks_platform.up.children import LOOK, Children


class Keeper:
    """A thread that looks after children, and ends them in the end: those that it started again would end with it."""

    def __init__(self) -> None:
        self._children = Children()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="children", daemon=True)

    @property
    def given_up(self) -> dict[str, str]:
        """Why a child is no longer started again, by its name."""
        return self._children.given_up

    def add(self, child: Child) -> None:
        """Start *child* and keep it running."""
        self._children.add(child)
        if not self._thread.is_alive():
            self._thread.start()

    def end(self) -> None:
        """End all children."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _keep(self) -> None:
        while not self._ending.wait(LOOK):
            self._children.look()
        self._children.end()
