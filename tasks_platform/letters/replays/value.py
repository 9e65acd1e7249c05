"""A replay of many letters as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

#: ``sending``: recorded, and perhaps not sent; ``recovered``: the letter is gone; ``back``: it has died again;
#: ``left``: it could not be sent, the reason says why.
ItemState = Literal["todo", "sending", "sent", "recovered", "back", "left"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One letter of a replay."""

    #: The fingerprint that it had when it was chosen.
    group: str
    state: ItemState = "todo"
    #: The version of the letter that was sent, and the attempt that it is.
    version: int = 0
    attempt: int = 0
    #: The fingerprint that it came back with.
    died_of: str = ""
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """Return what differs from a letter that waits for its turn, as JSON can carry it."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, kw_only=True)
class GroupStatus:
    """How far a replay is with the letters of one bug."""

    fingerprint: str
    task: str
    error: str
    message: str
    line: str
    letters: int
    #: Letters that are not sent yet, are on their way, have recovered, came back, or could not be sent.
    todo: int
    out: int
    recovered: int
    back: int
    left: int
    #: Why no more of them are sent; empty: they are.
    stopped: str
    #: Why letters could not be sent, a few of the reasons.
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReplayStatus:
    """How far a replay of many letters is."""

    id: str
    #: ``running`` or ``ended``.
    state: str
    groups: tuple[GroupStatus, ...]

    def count(self, what: str) -> int:
        """Return the sum of a number over all groups."""
        return sum(int(getattr(group, what)) for group in self.groups)


def item_from(record: Mapping[str, Any]) -> Item:
    """Read an item as the store keeps it."""
    return Item(**record)
