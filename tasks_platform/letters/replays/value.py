"""A replay of many letters as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

#: ``sending``: recorded, and perhaps not sent; ``recovered``: its job succeeded; ``skipped``: its job ended because the
#: task said that there was nothing to do; ``back``: it has died again; ``left``: it could not be sent or was given up,
#: the reason says why.
ItemState = Literal["todo", "sending", "sent", "recovered", "skipped", "back", "left"]


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
    #: Letters that are not sent yet, are on their way, have recovered, were skipped, came back, or were left.
    todo: int
    out: int
    recovered: int
    skipped: int
    back: int
    left: int
    #: Why no more of them are sent; empty: they are.
    stopped: str
    #: Why letters were left, a few of the reasons.
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


def claim_of(replay_id: str) -> str:
    """Return the unique key that the process holds that runs a replay."""
    return f"letters-replay:{replay_id}"


def ended(item: Item, letter: Mapping[str, Any] | None, why: str) -> Item:
    """Return what has become of an item that was sent: its letter is that by now, or gone, and *why* it went."""
    if letter is not None:
        if letter["version"] != item.version:
            return replace(item, state="back", died_of=letter["fingerprint"])
        if letter["state"] != "replaying":
            return replace(item, state="left", reason="it could not be sent when somebody else replayed it")
        return item
    if why == "recovered":
        return replace(item, state="recovered")
    if why == "skipped":
        return replace(item, state="skipped")
    return replace(item, state="left", reason=f"it was {why}" if why else "it is gone: somebody else replayed it")


def item_from(record: Mapping[str, Any]) -> Item:
    """Read an item as the store keeps it."""
    return Item(**record)
