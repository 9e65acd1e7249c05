"""What shows the log of a laptop's platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol


class Screen(Protocol):
    """Shows what happens."""

    #: Variables with which parts write their logs as they are shown here.
    environment: Mapping[str, str]

    def line(self, part: str, text: str) -> None:
        """Show a line of a part's log."""

    def say(self, event: str, text: str, **details: str) -> None:
        """Show what happens to the parts themselves."""

    def ready(self, places: Mapping[str, str], login: str) -> None:
        """Show that all parts are ready, where they are found, and the login of Flower, which no log may hold."""


class LastingScreen:
    """A screen that may be taken away: a closed terminal or pipe ends what is shown, and nothing else."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.environment = screen.environment
        #: Whether nobody can see anything any more.
        self.gone = False

    def line(self, part: str, text: str) -> None:
        """Show a line of a part's log."""
        self._show(lambda: self._screen.line(part, text))

    def say(self, event: str, text: str, **details: str) -> None:
        """Show what happens to the parts themselves."""
        self._show(lambda: self._screen.say(event, text, **details))

    def ready(self, places: Mapping[str, str], login: str) -> None:
        """Show that all parts are ready."""
        self._show(lambda: self._screen.ready(places, login))

    def _show(self, show: Callable[[], None]) -> None:
        if not self.gone:
            try:
                show()
            except OSError:
                self.gone = True
