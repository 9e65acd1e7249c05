"""Which ids of a caller's choice are taken, in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks_platform.store.interface.job_ids import Reservation
from tasks_platform.store.redis.part import JOB_TTL, RedisPart, ms


class JobIds(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def reserve(self, job_id: str, token: str, ttl: float) -> Reservation:
        answer: Reservation = self._run("reserve", *self._reserving(job_id, token, ttl))
        return answer

    def reserve_all(self, senders: Sequence[tuple[str, str]], ttl: float) -> list[Reservation]:
        with self._pipeline() as pipe:
            for job_id, token in senders:
                keys, arguments = self._reserving(job_id, token, ttl)
                self._scripts["reserve"](keys=keys, args=arguments, client=pipe)
            answers: list[Reservation] = pipe.execute()
        return answers

    def _reserving(self, job_id: str, token: str, ttl: float) -> tuple[list[str], list[Any]]:
        return [self._id(job_id), self._letter(job_id), self._job(job_id)], [token, ms(ttl), JOB_TTL * 1000]

    def confirm(self, job_id: str, ttl: float) -> None:
        self._tell("confirm", [self._id(job_id)], [ms(ttl)])

    def unreserve(self, job_id: str, token: str) -> None:
        self._tell("unreserve", [self._id(job_id)], [token])

    def retire(self, job_id: str, ttl: float) -> None:
        self.client.set(self._id(job_id), "ended", px=ms(ttl))
