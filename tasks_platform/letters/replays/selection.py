"""Which letters a replay is of: chosen once, and written down before anything is sent."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tasks_platform.letters.message import Letter
from tasks_platform.letters.on_its_way import is_on_its_way
from tasks_platform.letters.replays.value import GroupStatus, Item
from tasks_platform.policies.dead_letters import SCHEMA
from tasks_platform.store import Store

#: Items that one command writes.
_CHUNK: Final = 500


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The letters that a replay would send, by the bug that killed them."""

    #: The fingerprint of each letter.
    letters: Mapping[str, str]
    #: What is known of each fingerprint: task, error, message, line.
    facts: Mapping[str, Mapping[str, str]]
    #: Letters that are being replayed already, or were written by a newer version of the platform.
    left_out: int

    def groups(self) -> list[GroupStatus]:
        """Return what would be sent, the largest group first."""
        counts = Counter(self.letters.values())
        nothing = {"out": 0, "recovered": 0, "skipped": 0, "back": 0, "left": 0, "stopped": ""}
        return [
            GroupStatus(fingerprint=group, letters=count, todo=count, **nothing, **self.facts[group])  # type: ignore[arg-type]
            for group, count in counts.most_common()
        ]

    def write_down(self, store: Store, asked: Mapping[str, Any]) -> str:
        """Keep the selection as a replay, and return its id; *asked* is what it was chosen by."""
        replay_id = uuid.uuid4().hex[:12]
        record = {"asked": asked, "groups": self.facts, "state": "chosen", "created_at": time.time()}
        store.create_replay(replay_id, record)
        # the oldest are sent first, like the jobs that they are
        ids = list(self.letters)[::-1]
        for start in range(0, len(ids), _CHUNK):
            items = {job_id: Item(group=self.letters[job_id]).record() for job_id in ids[start : start + _CHUNK]}
            store.add_to_replay(replay_id, items)
        store.update_replay(replay_id, {"state": "running"})
        return replay_id


def select(letters: Iterable[Letter], *, also_on_their_way: bool = False) -> Selection:
    """Choose those of *letters* that a replay can send; what is *also_on_their_way* can only be given up."""
    chosen: dict[str, str] = {}
    facts: dict[str, dict[str, str]] = {}
    left_out = 0
    for letter in letters:
        on_its_way = not also_on_their_way and is_on_its_way(letter, now=time.time())
        if on_its_way or letter["schema"] > SCHEMA:
            left_out += 1
            continue
        group, cause = letter["fingerprint"], letter["cause"]
        chosen[letter["id"]] = group
        told = {"error": cause["type"], "message": cause["message"], "line": cause["line"]}
        facts.setdefault(group, {"task": letter["task"], **told})
    return Selection(letters=chosen, facts=facts, left_out=left_out)
