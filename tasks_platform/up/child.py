"""Child: one program that is kept running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")


@dataclass(kw_only=True)
class Child:
    """One program that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    #: Where its output goes.
    log: Path
    #: Children of a higher stage have ended before one of a lower stage is told to: they may need it to end well.
    stage: int = 0
    process: subprocess.Popen[bytes] | None = None
    #: When it was started last, on the monotonic clock.
    started_at: float = 0.0
    #: Lives in a row that were short.
    short_lives: int = 0

    def start(self) -> None:
        """Start it; it ends when this process, or the thread that calls this, is gone.

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

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def tell_to_end(self) -> None:
        """Ask it to end, which may take a while."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it at once, and whatever it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
