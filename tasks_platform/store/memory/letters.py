"""The dead letters, in memory."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tasks_platform.store.letter_facts import facts_of
from tasks_platform.store.memory.part import copied
from tasks_platform.store.memory.runs import Runs
from tasks_platform.store.records import PUT_BACK, Record
from tasks_platform.store.where import EVERYTHING, Place, Where


class Letters(Runs):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def letter(self, job_id: str) -> Record | None:
        with self._lock:
            letter = self._letters.get(job_id)
            if letter is None:
                return None
            job, replayed = self._jobs.get(job_id, {}), self._replayed.get(job_id, {})
            begun = [int(field[6:]) for field, copy in job.items() if field.startswith("begun:") and copy != PUT_BACK]
            return {
                **copied(letter),
                "replayed_at": replayed["at"] if letter["state"] == "replaying" else None,
                "begun": max(begun, default=0),
                "put_back": replayed.get("put_back", 0),
                "attempts": self.attempts(job_id),
            }

    def letters(
        self, offset: int = 0, limit: int = 100, *, where: Where = EVERYTHING, after: Place | None = None
    ) -> list[Record]:
        with self._lock:
            places = sorted(((one["died_at"], job_id) for job_id, one in self._letters.items()), reverse=True)
            ids = [
                job_id
                for at, job_id in places
                if (after is None or (at, job_id) < after) and _matches(self._letters[job_id], where)
            ]
            found = (self.letter(job_id) for job_id in ids[offset : offset + limit])
            return [letter for letter in found if letter is not None]

    def count_letters(self) -> int:
        return len(self._letters)

    def letter_ids(self, beginning: str) -> list[str]:
        with self._lock:
            places = sorted(((one["died_at"], job_id) for job_id, one in self._letters.items()), reverse=True)
            return [job_id for _, job_id in places if job_id.startswith(beginning)]

    def letter_states(self, job_ids: Sequence[str]) -> list[Record | None]:
        with self._lock:
            found = (self._letters.get(job_id) for job_id in job_ids)
            return [
                None
                if one is None
                else {"state": one["state"], "version": one["version"], "fingerprint": facts_of(one)["fingerprint"]}
                for one in found
            ]

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int, *, by: str = "") -> bool:
        with self._lock:
            letter, changed = self._letters.get(job_id), copied(message)
            if letter is None or letter["version"] != version:
                return letter is not None and letter["version"] == version + 1 and _same(letter.get("message"), changed)
            if letter["state"] == "replaying":
                return False
            letter.update(message=changed, version=version + 1)
            self._audit_letter("edited", job_id, by)
            return True

    def mark_replaying(
        self, job_id: str, at: float, *, version: int, before: float | None = None, by: str = ""
    ) -> bool:
        with self._lock:
            letter = self._letters.get(job_id)
            if letter is None or letter["version"] != version:
                return False
            replayed = self._replayed.setdefault(job_id, {})
            seen = replayed["at"] if letter["state"] == "replaying" else None
            if seen == at:
                return True
            if seen != before:
                return False
            replayed |= {"at": at, "state": letter["state"] if seen is None else replayed["state"]}
            letter.update(state="replaying")
            self._audit_letter("replayed", job_id, by)
            return True

    def put_back(self, job_id: str, at: float, attempt: int, *, by: str = "") -> bool:
        with self._lock:
            replayed, claim = self._replayed.get(job_id, {}), f"begun:{attempt}"
            if replayed.get("at") != at:
                return False
            job, letter = self._jobs.setdefault(job_id, {}), self._letters[job_id]
            if letter["state"] != "replaying" or claim in job:
                return letter["state"] != "replaying" and job.get(claim) == PUT_BACK
            job[claim] = PUT_BACK
            replayed["put_back"] = attempt
            letter.update(state=replayed["state"])
            self._audit_letter("put back", job_id, by)
            return True

    def purge_letters(self, versions: Mapping[str, int], *, retention: float, by: str = "", why: str = "") -> int:
        with self._lock:
            counts: Counter[str] = Counter()
            for job_id, version in versions.items():
                letter = self._letters.get(job_id, {})
                if (letter.get("state"), letter.get("version")) != ("dead", version):
                    continue
                counts[facts_of(letter)["fingerprint"]] += 1
                self._drop(job_id)
                if self._get(f"id:{job_id}") is not None:
                    self._set(f"id:{job_id}", "ended", retention)
            if counts:
                self._audit("purged", by=by, why=why, count=counts.total(), fingerprints=dict(counts))
            return counts.total()

    def unlisted_letters(self) -> list[Record]:
        return []  # here every letter is found

    def list_letter(self, letter: Mapping[str, Any]) -> None:
        """Do nothing: here every letter is found."""


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one) == json.dumps(other)


def _matches(letter: Mapping[str, Any], where: Where) -> bool:
    facts = {**facts_of(letter), "state": letter["state"]}
    early, late = where.since if where.since is not None else -math.inf, where.until
    in_time = early <= letter["died_at"] <= (math.inf if late is None else late)
    return in_time and all(facts[name] == value for name, value in where.lists().items())
