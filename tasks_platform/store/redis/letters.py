"""The dead letters, in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from tasks_platform.store.records import Record
from tasks_platform.store.redis.part import RedisPart
from tasks_platform.store.redis.runs import attempts_in


class Letters(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def letter(self, job_id: str) -> Record | None:
        return next(iter(self._read_letters([job_id])), None)

    def letters(self, offset: int = 0, limit: int = 100) -> list[Record]:
        if limit < 1:
            return []  # to Redis, -1 is the last
        return self._read_letters(cast("list[str]", self.client.zrevrange(self._letters, offset, offset + limit - 1)))

    def count_letters(self) -> int:
        return self.client.zcard(self._letters)

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int) -> bool:
        if (record := self.client.hget(self._letter(job_id), "record")) is None:
            return False
        changed = json.dumps({**json.loads(cast("str", record)), "message": message})
        return bool(self._run("edit_letter", [self._letter(job_id)], [version, changed]))

    def mark_replaying(self, job_id: str, at: float) -> Record | None:
        return self.letter(job_id) if self._run("mark_replaying", [self._letter(job_id)], [at]) else None

    def _read_letters(self, ids: list[str]) -> list[Record]:
        with self._pipeline() as pipe:
            for job_id in ids:
                pipe.hgetall(self._letter(job_id)).hgetall(self._job(job_id))
            answers = pipe.execute()
        found = zip(answers[::2], answers[1::2], strict=True)
        return [_whole_letter(letter, job) for letter, job in found if letter]


def _whole_letter(letter: Mapping[str, str], job: Mapping[str, str]) -> Record:
    return {
        **json.loads(letter["record"]),
        "state": letter["state"],
        "version": int(letter["version"]),
        "attempts": attempts_in(job),
    }
