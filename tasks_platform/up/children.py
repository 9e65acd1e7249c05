"""Child processes that are started again when they die, and ended together."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from tasks_platform.up.child import Child

LOOK = 0.05
#: After so many lives in a row that were shorter than this, in seconds, a child is not started again.
_MOST_SHORT_LIVES = 6
_SHORT_LIFE = 30.0
#: Seconds that the children of a stage have at least, when the others have used up what there was.
_LEAST = 1.0


@dataclass(frozen=True, kw_only=True)
class Death:
    """A child that ended by itself."""

    name: str
    #: How, in words: ``with exit code 1``, ``by SIGKILL``.
    how: str
    #: Whether it was started again.
    again: bool


class Children:
    """The children of one thread, in which they are started, looked at and ended: they end with it."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        #: Why a child is no longer started again, by its name.
        self.given_up: dict[str, str] = {}

    def add(self, child: Child) -> None:
        """Start *child* and keep it running from now on."""
        child.start()
        self._children.append(child)

    def look(self) -> list[Death]:
        """Start again whoever has died, and tell who that was."""
        dead = [child for child in self._children if not child.is_running and child.name not in self.given_up]
        return [self._revive(child) for child in dead]

    def end(self, grace: float = 15.0, *, meanwhile: Callable[[], bool] | None = None) -> list[str]:
        """End all children, stage by stage; return the names of those that had to be killed.

        That is what is left after *grace* seconds, or as soon as *meanwhile*, which is called while they end, says so.
        """
        hurried = meanwhile or (lambda: False)
        deadline = time.monotonic() + grace
        killed = []
        for stage in sorted({child.stage for child in self._children}, reverse=True):
            ending = [child for child in self._children if child.stage == stage and child.is_running]
            for child in ending:
                child.tell_to_end()
            until = max(deadline, time.monotonic() + _LEAST)
            while any(child.is_running for child in ending) and not hurried() and time.monotonic() < until:
                time.sleep(LOOK)
            for child in ending:
                if child.is_running:
                    child.kill()
                    killed.append(child.name)
        return killed

    def _revive(self, child: Child) -> Death:
        how = _how(child.process.returncode if child.process else 0)
        is_short = time.monotonic() - child.started_at < _SHORT_LIFE
        child.short_lives = child.short_lives + 1 if is_short else 0
        if again := child.short_lives < _MOST_SHORT_LIVES:
            child.start()
        else:
            self.given_up[child.name] = (
                f"the {child.name} died {child.short_lives} times soon after its start; its log is {child.log}"
            )
        return Death(name=child.name, how=how, again=again)


def _how(code: int) -> str:
    return f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
