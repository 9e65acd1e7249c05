"""What happened to the attempts of jobs, in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tasks_platform.store.letter_facts import facts_of
from tasks_platform.store.memory.groups import Groups
from tasks_platform.store.memory.part import CLAIMS_TTL, JOB_TTL, copied
from tasks_platform.store.memory.steps import Steps
from tasks_platform.store.records import DEAD, Record


class Runs(Steps, Groups):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

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
                return copied(standing)
            job[f"verdict:{attempt}"] = copied(verdict)
            job[f"attempt:{attempt}"] = copied(record)
            if letter is not None:
                self._write_letter(job_id, attempt, record, letter)
            elif job_id not in self._letters:
                self._keep_steps(job_id, self._clock() + JOB_TTL + (verdict["again_in"] or 0.0))
            return copied(verdict)

    def bury(self, job_id: str, attempt: int, record: Mapping[str, Any], letter: Record) -> bool:
        with self._lock:
            job, found = self._jobs.setdefault(job_id, {}), self._letters.get(job_id)
            changing = {} if found is None else {name: found[name] for name in ("state", "version")}
            if found == {**copied(letter, default=str), **changing} and letter["state"] == self._written_as[job_id]:
                return True
            standing = job.get(f"verdict:{attempt}")
            is_final = standing is not None and standing["again_in"] is None
            if found is not None and (found["state"] != "replaying" or is_final):
                return False
            job[f"verdict:{attempt}"] = dict(DEAD)
            job.setdefault(f"attempt:{attempt}", copied(record))
            self._write_letter(job_id, attempt, record, letter)
            return True

    def _write_letter(self, job_id: str, attempt: int, record: Mapping[str, Any], letter: Record) -> None:
        version = self._leave(job_id).get("version", 0)
        self._written_as[job_id] = letter["state"]
        self._enter(job_id, {**copied(letter, default=str), "version": version + 1})
        facts = facts_of(letter)
        told = {"error": facts["error"], "message": facts["brief"], "line": facts["line"]}
        burial = {"state": letter["state"], "attempt": attempt, "died_at": float(letter["died_at"]), **told}
        self._audit_letter("buried", job_id, record.get("worker") or "", **burial)
        self._keep_steps(job_id, math.inf)

    def attempts(self, job_id: str) -> list[Record]:
        with self._lock:
            job = self._jobs.get(job_id, {})
            numbered = sorted((int(field[8:]), value) for field, value in job.items() if field.startswith("attempt:"))
            return [copied(value) for _, value in numbered]

    def forget(self, job_id: str, *, why: str = "recovered", by: str = "") -> None:
        with self._lock:
            if job_id in self._letters:
                self._audit_letter(why, job_id, by)
                if (replay := self._replayed.get(job_id, {}).get("replay")) is not None:
                    self._replay_ends.setdefault(replay, {})[job_id] = why
            self._drop(job_id)

    def _drop(self, job_id: str) -> None:
        job = self._jobs.get(job_id, {})
        self._jobs[job_id] = {field: value for field, value in job.items() if field.startswith("begun:")}
        self._replayed.pop(job_id, None)
        if self._leave(job_id):
            self._keep_steps(job_id, self._clock() + CLAIMS_TTL)
