"""Child processes that are looked after, and ended together."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from tasks_platform.up.child import Child

LOOK = 0.05
#: After so many lives in a row that were shorter than this, in seconds, a child is not started again.
_MOST_SHORT_LIVES = 6
_SHORT_LIFE = 30.0


class Children:
    """The children of one thread, in which they are started, looked at and ended: they end with it.

    Those that *revive* are started again when they die, unless they die again and again.
    """

    def __init__(self, *, revive: bool = True) -> None:
        self._children: list[Child] = []
        self._revive = revive
        #: Why a child is gone and not started again, by its name.
        self.given_up: dict[str, str] = {}

    def add(self, child: Child) -> None:
        """Start *child* and keep it running from now on."""
        child.start()
        self._children.append(child)

    def look(self) -> None:
        """Start again whoever has died, or give it up."""
        for child in self._children:
            if not child.is_running and child.name not in self.given_up:
                self._lose(child)

    def end(self, grace: float = 15.0, *, meanwhile: Callable[[], bool] | None = None) -> list[str]:
        """End all children, stage by stage; return the names of those that had to be killed.

        That is what is left of a stage after *grace* seconds, or as soon as *meanwhile*, which is called while they
        end, says so.
        """
        hurried = meanwhile or (lambda: False)
        killed = []
        for stage in sorted({child.stage for child in self._children}, reverse=True):
            ending = [child for child in self._children if child.stage == stage and child.is_running]
            for child in ending:
                child.tell_to_end()
            until = time.monotonic() + grace
            while any(child.is_running for child in ending) and not hurried() and time.monotonic() < until:
                time.sleep(LOOK)
            for child in ending:
                if child.is_running:
                    child.kill()
                    killed.append(child.name)
        return killed

    def _lose(self, child: Child) -> None:
        is_short = time.monotonic() - child.started_at < _SHORT_LIFE
        child.short_lives = child.short_lives + 1 if is_short else 0
        if self._revive and child.short_lives < _MOST_SHORT_LIVES:
            child.start()
            return
        often = f" {child.short_lives} times soon after its start" if self._revive else ""
        how = _how(child.process.returncode if child.process else 0)
        self.given_up[child.name] = f"the {child.name} died{often}, {how}; its log is {child.log}"


def _how(code: int) -> str:
    return f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
