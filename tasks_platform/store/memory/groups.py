"""What dead letters of one fingerprint have in common, in memory."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Final

from tasks_platform.store.letter_facts import facts_of
from tasks_platform.store.memory.audit import Audit
from tasks_platform.store.records import Record

#: How long it is known when a bug was first seen that killed nothing of what lies here, in seconds.
_KNOWN: Final = 90 * 86400.0


class Groups(Audit):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def letter_groups(self) -> list[Record]:
        with self._lock:
            present = {fingerprint for fingerprint in map(self._fingerprint, self._letters) if fingerprint}
            newest = sorted(((self._groups[one]["last_seen"], one) for one in present), reverse=True)
            return [self._group(fingerprint) for _, fingerprint in newest]

    def _group(self, fingerprint: str) -> Record:
        letters = [facts_of(letter) for letter in self._letters.values() if letter.get("fingerprint") == fingerprint]
        known = {name: value for name, value in self._groups[fingerprint].items() if name != "until"}
        counts: dict[str, Any] = {
            name: dict(Counter(facts[name] for facts in letters if facts[name])) for name in ("tenant", "queue")
        }
        return {"fingerprint": fingerprint, "letters": len(letters), **known, **counts}

    def _enter(self, job_id: str, letter: Record) -> None:
        self._letters[job_id] = letter
        facts, at = facts_of(letter), float(letter["died_at"])
        if not (fingerprint := facts["fingerprint"]):
            return
        group = self._groups.get(fingerprint, {})
        if group.get("until", math.inf) <= self._clock():
            group = {}
        if at >= group.get("last_seen", -math.inf):
            group |= {name: facts[name] for name in ("task", "error", "message", "line")} | {"last_seen": at}
        group |= {"first_seen": min(at, group.get("first_seen", at)), "deaths": group.get("deaths", 0) + 1}
        self._groups[fingerprint] = {**group, "until": math.inf}

    def _leave(self, job_id: str) -> Record:
        """Take a letter out and return it; an empty record if there is none."""
        fingerprint = self._fingerprint(job_id)
        letter = self._letters.pop(job_id, {})
        if fingerprint and fingerprint not in map(self._fingerprint, self._letters):
            self._groups[fingerprint]["until"] = self._clock() + _KNOWN
        return letter

    def _fingerprint(self, job_id: str) -> str:
        return facts_of(self._letters.get(job_id, {}))["fingerprint"]
