"""Which ids of a caller's choice are taken, in Redis."""

from __future__ import annotations

from typing import Literal

from tasks_platform.store.redis.part import JOB_TTL, RedisPart, ms


class JobIds(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def reserve(self, job_id: str, token: str, ttl: float) -> Literal["free", "reserved", "taken"]:
        keys = [self._id(job_id), self._letter(job_id), self._job(job_id)]
        answer: Literal["free", "reserved", "taken"] = self._run("reserve", keys, [token, ms(ttl), JOB_TTL * 1000])
        return answer

    def confirm(self, job_id: str, ttl: float) -> None:
        self._tell("confirm", [self._id(job_id)], [ms(ttl)])

    def unreserve(self, job_id: str, token: str) -> None:
        self._tell("unreserve", [self._id(job_id)], [token])

    def retire(self, job_id: str, ttl: float) -> None:
        self.client.set(self._id(job_id), "ended", px=ms(ttl))
