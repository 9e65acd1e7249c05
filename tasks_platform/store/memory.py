"""The store's twin in memory: one process, the same behaviour, for tests without a server."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from tasks_platform.store.interface import NOBODY, Holder, Record, Store

#: How long it is kept what a forgotten job did once, in seconds.
_CLAIMS_TTL = 86400.0

#: How long the id of a job is known while nobody says that it ended, in seconds.
_KNOWN = 30 * 86400.0


class MemoryStore(Store):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._expiring: dict[str, tuple[float, Any]] = {}
        self._followers: dict[str, dict[str, Record]] = {}
        self._jobs: dict[str, dict[str, Any]] = {}
        self._letters: dict[str, Record] = {}
        self._flows: dict[str, Record] = {}
        self._created: dict[str, float] = {}

    def reserve(self, job_id: str, token: str, ttl: float) -> Literal["free", "reserved", "taken"]:
        with self._lock:
            current = self._get(f"id:{job_id}")
            if current is None:
                if job_id in self._letters:
                    return "taken"
                self._jobs.pop(job_id, None)
            elif isinstance(current, str):
                return "taken"
            elif current["token"] != token and current["lapses"] > self._clock():
                return "reserved"
            self._set(f"id:{job_id}", {"token": token, "lapses": self._clock() + ttl}, _KNOWN)
            return "free"

    def confirm(self, job_id: str, ttl: float) -> None:
        with self._lock:
            if self._get(f"id:{job_id}") != "ended":
                self._set(f"id:{job_id}", "sent", ttl)

    def unreserve(self, job_id: str, token: str) -> None:
        with self._lock:
            current = self._get(f"id:{job_id}")
            if isinstance(current, dict) and current["token"] == token:
                del self._expiring[f"id:{job_id}"]

    def retire(self, job_id: str, ttl: float) -> None:
        self._set(f"id:{job_id}", "ended", ttl)

    def acquire(self, key: str, owner: str, ttl: float) -> Holder:
        with self._lock:
            if (holder := self._get(f"unique:{key}")) is None:
                self._set(f"unique:{key}", owner, ttl)
                return owner
            return str(holder)

    def extend(self, key: str, owner: str, ttl: float) -> None:
        with self._lock:
            if self._get(f"unique:{key}") == owner:
                self._set(f"unique:{key}", owner, ttl)

    def holder(self, key: str) -> Holder | None:
        holder = self._get(f"unique:{key}")
        return None if holder is None else str(holder)

    def follow(  # noqa: PLR0913 - the key, who follows, and how
        self,
        key: str,
        job_id: str,
        message: Mapping[str, Any],
        ttl: float,
        *,
        extend: bool = True,
        claim: tuple[int, str] | None = None,
    ) -> tuple[Holder, Record | None]:
        with self._lock:
            followers = self._followers.setdefault(key, {})
            if (holder := self.acquire(key, job_id, ttl)) == job_id:
                followers.pop(job_id, None)
                if extend:
                    self._set(f"unique:{key}", job_id, ttl)
            elif (outcome := self._get(f"outcome:{key}")) is not None:
                return holder, _copy(outcome)
            else:
                followers[job_id] = _copy(message)
                if claim is not None:
                    self.withdraw(job_id, *claim)
            return holder, None

    def settle(self, key: str, owner: str, outcome: Mapping[str, Any]) -> None:
        with self._lock:
            if self._get(f"unique:{key}") == owner:
                until, _ = self._expiring[f"unique:{key}"]
                self._expiring[f"outcome:{key}"] = (until, _copy(outcome))

    def release(
        self, key: str, owner: str, delivered: Mapping[str, Record] = NOBODY, *, keep: bool = False
    ) -> dict[str, Record]:
        with self._lock:
            if self._get(f"unique:{key}") not in {None, owner}:
                return {}
            followers = self._followers.get(key, {})
            for job_id, message in delivered.items():
                if followers.get(job_id) == message:
                    del followers[job_id]
            if not followers and not keep:
                self._expiring.pop(f"unique:{key}", None)
                self._expiring.pop(f"outcome:{key}", None)
            return _copy(followers)

    def begin(self, job_id: str, attempt: int, copy: str) -> bool:
        with self._lock:
            return bool(self._jobs.setdefault(job_id, {}).setdefault(f"begun:{attempt}", copy) == copy)

    def withdraw(self, job_id: str, attempt: int, copy: str) -> None:
        with self._lock:
            job = self._jobs.get(job_id, {})
            if job.get(f"begun:{attempt}") == copy:
                del job[f"begun:{attempt}"]

    def decide(
        self, job_id: str, attempt: int, record: Mapping[str, Any], verdict: Mapping[str, Any], letter: Record | None
    ) -> Record:
        with self._lock:
            job = self._jobs.setdefault(job_id, {})
            if (standing := job.get(f"verdict:{attempt}")) is not None:
                return _copy(standing)
            job[f"verdict:{attempt}"] = _copy(verdict)
            job[f"attempt:{attempt}"] = _copy(record)
            if letter is not None:
                version = self._letters.pop(job_id, {}).get("version", 0)
                self._letters[job_id] = {**_copy(letter), "version": version + 1}
                self._keep_steps(job_id, math.inf)
            return _copy(verdict)

    def attempts(self, job_id: str) -> list[Record]:
        with self._lock:
            job = self._jobs.get(job_id, {})
            numbered = sorted((int(field[8:]), value) for field, value in job.items() if field.startswith("attempt:"))
            return [_copy(value) for _, value in numbered]

    def forget(self, job_id: str) -> None:
        with self._lock:
            job = self._jobs.get(job_id, {})
            self._jobs[job_id] = {field: value for field, value in job.items() if field.startswith("begun:")}
            if self._letters.pop(job_id, None) is not None:
                self._keep_steps(job_id, self._clock() + _CLAIMS_TTL)

    def letter(self, job_id: str) -> Record | None:
        with self._lock:
            letter = self._letters.get(job_id)
            return None if letter is None else {**_copy(letter), "attempts": self.attempts(job_id)}

    def letters(self, offset: int = 0, limit: int = 100) -> list[Record]:
        with self._lock:
            newest = sorted(self._letters, key=lambda job_id: (self._letters[job_id]["died_at"], job_id), reverse=True)
            found = (self.letter(job_id) for job_id in newest[offset : offset + limit])
            return [letter for letter in found if letter is not None]

    def count_letters(self) -> int:
        return len(self._letters)

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int) -> bool:
        with self._lock:
            if (letter := self._letters.get(job_id)) is None or letter["version"] != version:
                return False
            letter.update(message=_copy(message), version=version + 1)
            return True

    def mark_replaying(self, job_id: str, at: float) -> Record | None:
        with self._lock:
            if (letter := self._letters.get(job_id)) is not None:
                letter.update(state="replaying")
            return self.letter(job_id)

    def begin_step(self, job_id: str, step: str, run: str, lease: float) -> tuple[Literal["do", "done", "busy"], Any]:
        with self._lock:
            if (done := self._get(f"done:{job_id}:{step}")) is not None:
                return "done", json.loads(done)
            claim = self._jobs.setdefault(f"steps:{job_id}", {})
            until, holder = claim.get(step, (0.0, run))
            if holder != run and until > self._clock():
                return "busy", None
            claim[step] = (self._clock() + lease, run)
            return "do", None

    def finish_step(self, job_id: str, step: str, result: Any, ttl: float) -> None:
        with self._lock:
            self._set(f"done:{job_id}:{step}", json.dumps(result), ttl)
            self._jobs.get(f"steps:{job_id}", {}).pop(step, None)

    def abandon_steps(self, job_id: str, run: str) -> None:
        with self._lock:
            steps = self._jobs.get(f"steps:{job_id}", {})
            for step in [step for step, (_, holder) in steps.items() if holder.startswith(run)]:
                del steps[step]

    def create_flow(self, flow_id: str, flow: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> bool:
        with self._lock:
            if flow_id in self._flows:
                return False
            self._flows[flow_id] = {**_copy(flow), "steps": _copy(steps), "states": {}}
            self._created[flow_id] = float(flow["created_at"])
            return True

    def flow(self, flow_id: str) -> Record | None:
        with self._lock:
            flow = self._flows.get(flow_id)
            return None if flow is None else _copy(flow)

    def update_flow(self, flow_id: str, changes: Mapping[str, Any]) -> None:
        with self._lock:
            if flow_id in self._flows:
                self._flows[flow_id].update(_copy(changes))

    def mark_step(self, flow_id: str, job_id: str, state: str) -> None:
        with self._lock:
            if flow_id in self._flows:
                self._flows[flow_id]["states"][job_id] = state

    def flows(self) -> list[str]:
        with self._lock:
            newest = sorted(((self._created[flow_id], flow_id) for flow_id in self._flows), reverse=True)
            return [flow_id for _, flow_id in newest]

    def report(self, job_id: str, progress: Mapping[str, Any], ttl: float) -> None:
        self._set(f"progress:{job_id}", _copy(progress), ttl)

    def progress(self, job_id: str) -> Record | None:
        found = self._get(f"progress:{job_id}")
        return None if found is None else _copy(found)

    def first_seen(self, what: str, now: float, ttl: float) -> float:
        with self._lock:
            if (seen := self._get(f"seen:{what}")) is None:
                self._set(f"seen:{what}", now, ttl)
                return now
            return float(seen)

    def _keep_steps(self, job_id: str, until: float) -> None:
        for key in [key for key in self._expiring if key.startswith(f"done:{job_id}:")]:
            self._expiring[key] = (until, self._expiring[key][1])

    def _get(self, key: str) -> Any:
        with self._lock:
            until, value = self._expiring.get(key, (0.0, None))
            if until <= self._clock():
                self._expiring.pop(key, None)
                return None
            return value

    def _set(self, key: str, value: Any, ttl: float) -> None:
        with self._lock:
            self._expiring[key] = (self._clock() + ttl, value)


def _copy(record: Mapping[str, Any]) -> Record:
    """Copy through JSON, as the real store does, so that what JSON cannot carry fails here too."""
    copied: Record = json.loads(json.dumps(record))
    return copied
