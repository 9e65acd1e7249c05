"""The store in Redis: every operation is one command, one transaction or one Lua script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal, cast

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.commands.core import Script
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError  # noqa: A004 - Redis's own are meant
from redis.retry import Retry

from tasks_platform.store.interface import NOBODY, Holder, Record, Store

PREFIX = "tasks-platform:"

#: How long the record of a job that is being retried is kept, in seconds.
_JOB_TTL = 30 * 86400
#: How long it is kept which copies of a forgotten job's messages were run, in seconds.
_CLAIMS_TTL = 86400


def connect(url: str, *, patience: int = 14) -> Redis:
    """Open a client that outlives a restart of the server; 14 repeated attempts take about ten seconds."""
    lost = [ConnectionError, TimeoutError, BusyLoadingError]
    return Redis.from_url(
        url,
        decode_responses=True,
        retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=patience),
        retry_on_error=lost,
        health_check_interval=10,
        socket_connect_timeout=5,
        socket_timeout=10,
    )


class RedisStore(Store):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def __init__(self, url: str, *, prefix: str = PREFIX) -> None:
        self._url = url
        self._prefix = prefix

    @cached_property
    def client(self) -> Redis:
        """The connection pool of this process; redis-py opens new connections after a fork."""
        return connect(self._url)

    def reserve(self, job_id: str, token: str, ttl: float) -> Literal["free", "reserved", "taken"]:
        keys = [self._id(job_id), self._letter(job_id), self._job(job_id)]
        answer: Literal["free", "reserved", "taken"] = self._run("reserve", keys, [token, _ms(ttl), _JOB_TTL * 1000])
        return answer

    def confirm(self, job_id: str, ttl: float) -> None:
        self._run("confirm", [self._id(job_id)], [_ms(ttl)])

    def unreserve(self, job_id: str, token: str) -> None:
        self._run("unreserve", [self._id(job_id)], [token])

    def retire(self, job_id: str, ttl: float) -> None:
        self.client.set(self._id(job_id), "ended", px=_ms(ttl))

    def acquire(self, key: str, owner: str, ttl: float) -> Holder:
        return str(self._run("acquire", [self._unique(key)], [owner, _ms(ttl)]))

    def extend(self, key: str, owner: str, ttl: float) -> None:
        self._run("extend", [self._unique(key)], [owner, _ms(ttl)])

    def holder(self, key: str) -> Holder | None:
        return cast("str | None", self.client.get(self._unique(key)))

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
        keys = [self._unique(key), self._followers(key), self._outcome(key), self._job(job_id)]
        arguments = [job_id, json.dumps(message), _ms(ttl), int(extend), *(claim or (0, ""))]
        holder, outcome = self._run("follow", keys, arguments)
        return str(holder), json.loads(outcome) if outcome else None

    def settle(self, key: str, owner: str, outcome: Mapping[str, Any]) -> None:
        self._run("settle", [self._unique(key), self._outcome(key)], [owner, json.dumps(outcome)])

    def release(
        self, key: str, owner: str, delivered: Mapping[str, Record] = NOBODY, *, keep: bool = False
    ) -> dict[str, Record]:
        keys = [self._unique(key), self._followers(key), self._outcome(key)]
        told = [part for job_id, message in delivered.items() for part in (job_id, json.dumps(message))]
        left = self._run("release", keys, [owner, int(keep), *told])
        return {job_id: json.loads(message) for job_id, message in zip(left[::2], left[1::2], strict=True)}

    def begin(self, job_id: str, attempt: int, copy: str) -> bool:
        keys = [self._job(job_id), self._letter(job_id)]
        return bool(self._run("begin", keys, [attempt, copy, _JOB_TTL]) == copy)

    def withdraw(self, job_id: str, attempt: int, copy: str) -> None:
        self._run("withdraw", [self._job(job_id)], [attempt, copy])

    def decide(
        self, job_id: str, attempt: int, record: Mapping[str, Any], verdict: Mapping[str, Any], letter: Record | None
    ) -> Record:
        standing = self._run(
            "decide",
            [self._job(job_id), self._letter(job_id), self._letters, self._steps(job_id)],
            [
                attempt,
                json.dumps(record),
                json.dumps(verdict),
                json.dumps(letter) if letter else "",
                letter["state"] if letter else "",
                letter["died_at"] if letter else 0,
                job_id,
                _JOB_TTL,
            ],
        )
        return cast("Record", json.loads(standing))

    def attempts(self, job_id: str) -> list[Record]:
        return _attempts(cast("dict[str, str]", self.client.hgetall(self._job(job_id))))

    def forget(self, job_id: str) -> None:
        keys = [self._job(job_id), self._letter(job_id), self._letters, self._steps(job_id)]
        self._run("forget", keys, [job_id, _CLAIMS_TTL])

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

    def begin_step(self, job_id: str, step: str, run: str, lease: float) -> tuple[Literal["do", "done", "busy"], Any]:
        answer = self._run("begin_step", [self._steps(job_id)], [step, run, _ms(lease)])
        return answer[0], json.loads(answer[1]) if answer[0] == "done" else None

    def finish_step(self, job_id: str, step: str, result: Any, ttl: float) -> None:
        key = self._steps(job_id)
        with self._transaction() as pipe:
            pipe.hset(key, f"done:{step}", json.dumps(result)).hdel(key, f"begun:{step}").pexpire(key, _ms(ttl))
            pipe.execute()

    def abandon_steps(self, job_id: str, run: str) -> None:
        self._run("abandon_steps", [self._steps(job_id)], [run])

    def create_flow(self, flow_id: str, flow: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> bool:
        with self._transaction() as pipe:
            pipe.hsetnx(self._flow(flow_id), "flow", json.dumps({**flow, "steps": steps}))
            pipe.zadd(self._flows, {flow_id: float(flow["created_at"])}, nx=True)
            created, _ = pipe.execute()
        return bool(created)

    def flow(self, flow_id: str) -> Record | None:
        with self._transaction() as pipe:
            stored, states = pipe.hgetall(self._flow(flow_id)).hgetall(f"{self._flow(flow_id)}:states").execute()
        if "flow" not in stored:
            return None
        changes = {field[7:]: json.loads(value) for field, value in stored.items() if field.startswith("change:")}
        return {**json.loads(stored["flow"]), **changes, "states": states}

    def update_flow(self, flow_id: str, changes: Mapping[str, Any]) -> None:
        fields = [part for field, value in changes.items() for part in (f"change:{field}", json.dumps(value))]
        if fields:
            self._run("change_flow", [self._flow(flow_id)] * 2, fields)

    def mark_step(self, flow_id: str, job_id: str, state: str) -> None:
        self._run("change_flow", [self._flow(flow_id), f"{self._flow(flow_id)}:states"], [job_id, state])

    def flows(self) -> list[str]:
        return cast("list[str]", self.client.zrevrange(self._flows, 0, -1))

    def report(self, job_id: str, progress: Mapping[str, Any], ttl: float) -> None:
        self.client.set(f"{self._prefix}progress:{job_id}", json.dumps(progress), px=_ms(ttl))

    def progress(self, job_id: str) -> Record | None:
        value = self.client.get(f"{self._prefix}progress:{job_id}")
        return cast("Record", json.loads(cast("str", value))) if value else None

    def first_seen(self, what: str, now: float, ttl: float) -> float:
        key = f"{self._prefix}seen:{what}"
        with self._transaction() as pipe:
            _, seen = pipe.set(key, now, nx=True, px=_ms(ttl)).get(key).execute()
        return float(seen)

    def _read_letters(self, ids: list[str]) -> list[Record]:
        with self._pipeline() as pipe:
            for job_id in ids:
                pipe.hgetall(self._letter(job_id)).hgetall(self._job(job_id))
            answers = pipe.execute()
        found = zip(answers[::2], answers[1::2], strict=True)
        return [_whole_letter(letter, job) for letter, job in found if letter]

    @cached_property
    def _scripts(self) -> dict[str, Script]:
        folder = files("tasks_platform.store") / "lua"
        return {
            source.name.removesuffix(".lua"): self.client.register_script(source.read_text())
            for source in folder.iterdir()
            if source.name.endswith(".lua")
        }

    def _transaction(self) -> Any:
        return self.client.pipeline(transaction=True)

    def _pipeline(self) -> Any:
        return self.client.pipeline(transaction=False)

    def _run(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        return self._scripts[script](keys=keys, args=arguments)

    def _id(self, job_id: str) -> str:
        return f"{self._prefix}id:{job_id}"

    def _unique(self, key: str) -> str:
        return f"{self._prefix}unique:{key}"

    def _followers(self, key: str) -> str:
        return f"{self._prefix}followers:{key}"

    def _outcome(self, key: str) -> str:
        return f"{self._prefix}outcome:{key}"

    def _job(self, job_id: str) -> str:
        return f"{self._prefix}job:{job_id}"

    def _letter(self, job_id: str) -> str:
        return f"{self._prefix}letter:{job_id}"

    def _steps(self, job_id: str) -> str:
        return f"{self._prefix}steps:{job_id}"

    def _flow(self, flow_id: str) -> str:
        return f"{self._prefix}flow:{flow_id}"

    @property
    def _letters(self) -> str:
        return f"{self._prefix}letters"

    @property
    def _flows(self) -> str:
        return f"{self._prefix}flows"


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _attempts(job: Mapping[str, str]) -> list[Record]:
    numbered = sorted((int(f[8:]), value) for f, value in job.items() if f.startswith("attempt:"))
    return [json.loads(value) for _, value in numbered]


def _whole_letter(letter: Mapping[str, str], job: Mapping[str, str]) -> Record:
    return {
        **json.loads(letter["record"]),
        "state": letter["state"],
        "version": int(letter["version"]),
        "attempts": _attempts(job),
    }
