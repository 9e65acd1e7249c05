"""Child processes that are started again when they die, and ended together."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")
_LOOK = 0.1
#: After so many lives in a row that were shorter than this, in seconds, a child is not started again.
_MOST_SHORT_LIVES = 6
_SHORT_LIFE = 30.0


@dataclass(kw_only=True)
class Child:
    """One program that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    #: Where its output goes.
    log: Path
    process: subprocess.Popen[bytes] | None = None
    #: When it was started last, on the monotonic clock.
    started_at: float = 0.0
    #: Lives in a row that were short.
    short_lives: int = 0

    def start(self) -> None:
        """Start it; it ends when this process is gone.

        In a process group of its own: Ctrl-C is for this process, which ends its children in order.
        """
        self.started_at = time.monotonic()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(_TETHER), str(os.getpid()), *self.command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - commands of our own making
                command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )


class Children:
    """Keeps children running until they are told to end."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._ending = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="children", daemon=True)
        #: Why a child is no longer started again, by its name.
        self.given_up: dict[str, str] = {}

    def add(self, child: Child) -> None:
        """Start *child* and keep it running."""
        child.start()
        self._children.append(child)
        if not self._watcher.is_alive():
            self._watcher.start()

    def end(self, grace: float = 15.0) -> None:
        """End all children one after the other, the last started first: it may need the others to end well.

        What is left after *grace* seconds is killed.
        """
        self._ending.set()
        if self._watcher.is_alive():
            self._watcher.join()
        deadline = time.monotonic() + grace
        for process in [child.process for child in reversed(self._children) if child.process is not None]:
            process.terminate()
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _watch(self) -> None:
        while not self._ending.wait(_LOOK):
            for child in self._children:
                if child.process is not None and child.process.poll() is not None and child.name not in self.given_up:
                    self._revive(child)

    def _revive(self, child: Child) -> None:
        is_short = time.monotonic() - child.started_at < _SHORT_LIFE
        child.short_lives = child.short_lives + 1 if is_short else 0
        if child.short_lives < _MOST_SHORT_LIVES:
            child.start()
        else:
            self.given_up[child.name] = (
                f"the {child.name} died {child.short_lives} times soon after its start; its log is {child.log}"
            )
