"""Outcome: what is to be done once it is known whether a message was sent."""

from __future__ import annotations

from collections.abc import Callable


class Outcome:
    """Collects what waits for the fate of one message.

    Where many are sent at once a message is only known to be sent when all of its group are: later than its
    policies' ``proceed`` returns.
    """

    def __init__(self) -> None:
        self._if_sent: list[Callable[[], None]] = []
        self._if_not: list[Callable[[], None]] = []

    def if_sent(self, action: Callable[[], None]) -> None:
        """Do *action* when the message was sent."""
        self._if_sent.append(action)

    def if_not(self, action: Callable[[], None]) -> None:
        """Do *action* when it was not, and will not be."""
        self._if_not.append(action)

    def sent(self) -> None:
        """Do what waited for the message to be sent, in order."""
        for action in self._if_sent:
            action()

    def not_sent(self) -> None:
        """Undo what was done for a message that was not sent, the last first."""
        for action in reversed(self._if_not):
            action()
