"""The letters of one bug while they are replayed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from tasks_platform.letters.replays.pace import allowance, why_stopped
from tasks_platform.letters.replays.value import GroupStatus, Item, ItemState, item_from

#: Reasons why letters could not be sent that are told.
_REASONS: Final = 3


def groups_of(record: Mapping[str, Any], items: Mapping[str, Mapping[str, Any]]) -> dict[str, RunningGroup]:
    """Return the groups of a replay by fingerprint, as the store keeps it and its items."""
    read = {job_id: item_from(item) for job_id, item in items.items()}
    return {fingerprint: RunningGroup(fingerprint, facts, read) for fingerprint, facts in record["groups"].items()}


class RunningGroup:
    """Counts how the letters of one bug end, and says which is next."""

    def __init__(self, fingerprint: str, facts: Mapping[str, str], items: Mapping[str, Item]) -> None:
        self.items = {job_id: item for job_id, item in items.items() if item.group == fingerprint}
        self._fingerprint = fingerprint
        self._facts = facts
        self._states: dict[ItemState, dict[str, None]] = {}
        for job_id, item in self.items.items():
            self._in(item.state)[job_id] = None
        self._todo = deque(self._in("todo"))
        self._died_of = [item.died_of for item in self.items.values() if item.state == "back"]

    def in_state(self, state: ItemState) -> list[str]:
        """Return the ids of the letters in a state."""
        return list(self._in(state))

    def may_send(self) -> bool:
        """Tell whether a letter may be sent now."""
        return bool(self._todo) and not self._stopped() and self._allowance() > 0

    def next(self) -> str:
        """Return the letter whose turn it is."""
        return self._todo.popleft()

    def change(self, job_id: str, item: Item) -> None:
        """Take note of what has become of a letter."""
        del self._in(self.items[job_id].state)[job_id]
        self._in(item.state)[job_id] = None
        self.items[job_id] = item
        if item.state == "back":
            self._died_of.append(item.died_of)

    def status(self) -> GroupStatus:
        """Return how far it is."""
        reasons = {self.items[job_id].reason: None for job_id in self._in("left")}
        return GroupStatus(
            fingerprint=self._fingerprint,
            task=self._facts["task"],
            error=self._facts["error"],
            message=self._facts["message"],
            line=self._facts["line"],
            letters=len(self.items),
            todo=self._count("todo"),
            out=self._out(),
            recovered=self._count("recovered"),
            skipped=self._count("skipped"),
            back=self._count("back"),
            left=self._count("left"),
            stopped=self._stopped(),
            reasons=tuple(reasons)[:_REASONS],
        )

    def _in(self, state: ItemState) -> dict[str, None]:
        return self._states.setdefault(state, {})

    def _count(self, state: ItemState) -> int:
        return len(self._in(state))

    def _out(self) -> int:
        return self._count("sent") + self._count("sending")

    def _ended_well(self) -> int:
        return self._count("recovered") + self._count("skipped")

    def _allowance(self) -> int:
        return allowance(out=self._out(), well=self._ended_well(), back=self._count("back"))

    def _stopped(self) -> str:
        return why_stopped(self._fingerprint, self._died_of, self._ended_well())
