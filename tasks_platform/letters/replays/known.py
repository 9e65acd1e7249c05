"""The replays of many letters that are known, and how far each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tasks_platform.letters.claimant import is_gone
from tasks_platform.letters.replays.group import groups_of
from tasks_platform.letters.replays.value import ReplayStatus, claim_of
from tasks_platform.store import Record, Store


@dataclass(frozen=True, kw_only=True)
class KnownReplay:
    """A replay of many letters that was begun within the last month."""

    id: str
    #: ``running``: a process is at it; ``interrupted``: none is, and it can be resumed; ``ended``; ``not begun``: its
    #: process died before it had written down what to send, and nothing was sent.
    state: Literal["running", "interrupted", "ended", "not begun"]
    #: What was asked for: the ids of ``letters``, or the filters as they were typed.
    asked: Mapping[str, Any]
    #: Timestamps.
    begun_at: float
    ended_at: float | None
    status: ReplayStatus


def known_replays(store: Store, limit: int = 20) -> list[KnownReplay]:
    """Return replays of many letters, the newest first."""
    return [_known(store, record) for record in store.replays(limit)]


def unfinished(store: Store, asked: Mapping[str, Any]) -> Record | None:
    """Return the replay that was begun for the same question and has not ended, if there is one."""
    found = (replay for replay in store.replays(1000) if replay["state"] == "running" and replay["asked"] == asked)
    return next(found, None)


def _known(store: Store, record: Record) -> KnownReplay:
    groups = groups_of(record, store.replay_items(record["id"])).values()
    return KnownReplay(
        id=record["id"],
        state=_state(store, record),
        asked=record["asked"],
        begun_at=record["created_at"],
        ended_at=record.get("ended_at"),
        status=ReplayStatus(id=record["id"], state=record["state"], groups=tuple(group.status() for group in groups)),
    )


def _state(store: Store, record: Record) -> Literal["running", "interrupted", "ended", "not begun"]:
    if record["state"] == "ended":
        return "ended"
    if record["state"] == "chosen":
        return "not begun"
    holder = store.holder(claim_of(record["id"]))
    return "interrupted" if holder is None or is_gone(holder) else "running"
