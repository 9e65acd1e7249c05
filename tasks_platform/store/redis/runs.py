"""What happened to the attempts of jobs, in Redis."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, cast

from tasks_platform.store.letter_facts import facts_of
from tasks_platform.store.records import DEAD, Record
from tasks_platform.store.redis.part import CLAIMS_TTL, JOB_TTL, REPLAY_TTL, RedisPart


class Runs(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def begin(self, job_id: str, attempt: int, copy: str) -> bool:
        keys = [self._job(job_id), self._letter(job_id)]
        return bool(self._run("begin", keys, [attempt, copy, JOB_TTL]) == copy)

    def withdraw(self, job_id: str, attempt: int, copy: str) -> None:
        self._run("withdraw", [self._job(job_id)], [attempt, copy])

    def decide(
        self, job_id: str, attempt: int, record: Mapping[str, Any], verdict: Mapping[str, Any], letter: Record | None
    ) -> Record:
        facts = flat(facts_of(letter)) if letter else []
        kept = JOB_TTL + math.ceil(verdict["again_in"] or 0.0)
        standing = self._run(
            "decide",
            [self._job(job_id), self._letter(job_id), self._letters, self._steps(job_id)],
            [
                attempt,
                json.dumps(record),
                json.dumps(verdict),
                json.dumps(letter, default=str) if letter else "",
                letter["state"] if letter else "",
                repr(letter["died_at"]) if letter else 0,
                job_id,
                kept,
                record.get("worker") or "",
                *facts,
            ],
        )
        return cast("Record", json.loads(standing))

    def bury(self, job_id: str, attempt: int, record: Mapping[str, Any], letter: Record) -> bool:
        written = self._run(
            "bury",
            [self._job(job_id), self._letter(job_id), self._letters, self._steps(job_id)],
            [
                attempt,
                json.dumps(record),
                json.dumps(dict(DEAD)),
                json.dumps(letter, default=str),
                letter["state"],
                repr(letter["died_at"]),
                job_id,
                record.get("worker") or "",
                *flat(facts_of(letter)),
            ],
        )
        return bool(written)

    def attempts(self, job_id: str) -> list[Record]:
        return attempts_in(cast("dict[str, str]", self.client.hgetall(self._job(job_id))))

    def forget(self, job_id: str, *, why: str = "recovered", by: str = "") -> None:
        keys = [self._job(job_id), self._letter(job_id), self._letters, self._steps(job_id)]
        self._run("forget", keys, [job_id, CLAIMS_TTL, why, by, REPLAY_TTL])


def flat(facts: Mapping[str, str]) -> list[str]:
    """Return names and values in turn, as a script takes them."""
    return [part for pair in facts.items() for part in pair]


def attempts_in(job: Mapping[str, str]) -> list[Record]:
    """Return the failed attempts that are recorded in a job's hash, the first first."""
    numbered = sorted((int(field[8:]), value) for field, value in job.items() if field.startswith("attempt:"))
    return [json.loads(value) for _, value in numbered]
