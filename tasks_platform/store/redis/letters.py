"""The dead letters, in Redis."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from tasks_platform.store.letter_facts import facts_of
from tasks_platform.store.records import PUT_BACK, Record
from tasks_platform.store.redis.part import CLAIMS_TTL, RedisPart, moment, ms
from tasks_platform.store.redis.runs import attempts_in, flat
from tasks_platform.store.where import EVERYTHING, Place, Where

#: Letters that one call of the script looks at, at most: a few milliseconds in which Redis serves nobody else.
_BUDGET: Final = 10_000
#: Ids that one command asks for.
_PAGE: Final = 1000
_STATES: Final = ("dead", "parked", "replaying")
#: What a letter's hash says beside what it is listed by.
_FIELDS: Final = ("record", "state", "version", "replayed_at", "put_back")


class Letters(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def letter(self, job_id: str) -> Record | None:
        return next(iter(self._read_letters([job_id])), None)

    def letters(
        self, offset: int = 0, limit: int = 100, *, where: Where = EVERYTHING, after: Place | None = None
    ) -> list[Record]:
        lists = [f"{self._letters}:{name}:{value}" for name, value in where.lists().items()] or [self._letters]
        latest, last = (
            (repr(after[0]), after[1]) if after else ("+inf" if where.until is None else repr(where.until), "")
        )
        earliest = "-inf" if where.since is None else repr(where.since)
        ids: list[str] = []
        no_more = limit < 1
        while not no_more and len(ids) < limit:
            arguments = [latest, last, earliest, offset, limit - len(ids), _BUDGET]
            offset, no_more, latest, last, found = self._run("find_letters", lists, arguments)
            ids += found
        return self._read_letters(ids)

    def count_letters(self) -> int:
        return self.client.zcard(self._letters)

    def letter_ids(self, beginning: str) -> list[str]:
        pattern = re.sub(r"([\[\]*?\\^])", r"\\\1", beginning) + "*"
        found = dict(self.client.zscan_iter(self._letters, match=pattern, count=5 * _PAGE))
        return sorted(found, key=lambda job_id: (found[job_id], job_id), reverse=True)

    def letter_groups(self) -> list[Record]:
        fingerprints = cast("list[str]", self.client.zrevrange(f"{self._letters}:groups", 0, -1))
        with self._transaction() as pipe:
            for fingerprint in fingerprints:
                group = f"{self._letters}:group:{fingerprint}"
                pipe.zcard(f"{self._letters}:fingerprint:{fingerprint}").hgetall(group)
                pipe.hgetall(f"{group}:tenant").hgetall(f"{group}:queue")
            answers = iter(pipe.execute())
        groups = (
            _group(fingerprint, next(answers), next(answers), next(answers), next(answers))
            for fingerprint in fingerprints
        )
        return [group for group in groups if group["letters"]]  # the last letter of one may have gone meanwhile

    def letter_states(self, job_ids: Sequence[str]) -> list[Record | None]:
        with self._pipeline() as pipe:
            for job_id in job_ids:
                pipe.hmget(self._letter(job_id), "state", "version", "fingerprint")
            answers = pipe.execute()
        return [
            {"state": state, "version": int(version), "fingerprint": fingerprint or ""} if state else None
            for state, version, fingerprint in answers
        ]

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int, *, by: str = "") -> bool:
        if (record := self.client.hget(self._letter(job_id), "record")) is None:
            return False
        changed = json.dumps({**json.loads(cast("str", record)), "message": message})
        return bool(self._run("edit_letter", [self._letter(job_id), self._letters], [version, changed, job_id, by]))

    def mark_replaying(
        self, job_id: str, at: float, *, version: int, before: float | None = None, by: str = ""
    ) -> bool:
        keys = [self._letter(job_id), self._letters]
        return bool(self._run("mark_replaying", keys, [repr(at), job_id, by, version, moment(before)]))

    def put_back(self, job_id: str, at: float, attempt: int, *, by: str = "") -> bool:
        if (record := self.client.hget(self._letter(job_id), "record")) is None:
            return False
        keys = [self._letter(job_id), self._letters, self._job(job_id)]
        arguments = [repr(at), job_id, by, attempt, json.loads(cast("str", record))["state"]]
        return bool(self._run("put_back", keys, arguments))

    def purge_letters(self, versions: Mapping[str, int], *, retention: float, by: str = "", why: str = "") -> int:
        pairs = [part for job_id, version in versions.items() for part in (job_id, version)]
        # the token is of this call: the client repeats it after a lost connection, and gets the same answer
        arguments = [self._prefix, by, why, CLAIMS_TTL, ms(retention), uuid.uuid4().hex, *pairs]
        return int(self._run("purge_letters", [self._letters], arguments))

    def unlisted_letters(self) -> list[Record]:
        with self._transaction() as pipe:
            pipe.zcard(self._letters)
            for state in _STATES:
                pipe.zcard(f"{self._letters}:state:{state}")
            count, *listed = pipe.execute()
        if count == sum(listed):
            return []
        while ids := self._unlisted_ids():
            if found := self._read_letters(ids):
                return found
            self._run("unlist", [self._letters], [self._prefix, *ids])
        return []

    def list_letter(self, letter: Mapping[str, Any]) -> None:
        arguments = [letter["id"], repr(letter["died_at"]), *flat(facts_of(letter))]
        self._run("list_letter", [self._letter(letter["id"]), self._letters], arguments)

    def _unlisted_ids(self) -> list[str]:
        """Return the ids of the first page of letters on which one is not listed."""
        for start in range(0, self.count_letters(), _PAGE):
            ids = cast("list[str]", self.client.zrange(self._letters, start, start + _PAGE - 1))
            with self._pipeline() as pipe:
                for job_id in ids:
                    pipe.hexists(self._letter(job_id), "at")
                listed = pipe.execute()
            if found := [job_id for job_id, is_listed in zip(ids, listed, strict=True) if not is_listed]:
                return found
        return []

    def _read_letters(self, ids: list[str]) -> list[Record]:
        with self._pipeline() as pipe:
            for job_id in ids:
                pipe.hmget(self._letter(job_id), *_FIELDS).hgetall(self._job(job_id))
            answers = pipe.execute()
        found = zip(answers[::2], answers[1::2], strict=True)
        return [_whole_letter(letter, job) for letter, job in found if letter[0]]


def _whole_letter(letter: Sequence[str], job: Mapping[str, str]) -> Record:
    record, state, version, replayed_at, put_back = letter
    begun = [int(field[6:]) for field, copy in job.items() if field.startswith("begun:") and copy != PUT_BACK]
    return {
        **json.loads(record),
        "state": state,
        "version": int(version),
        "replayed_at": float(replayed_at) if state == "replaying" else None,
        "begun": max(begun, default=0),
        "put_back": int(put_back or 0),
        "attempts": attempts_in(job),
    }


def _group(
    fingerprint: str, letters: int, group: Mapping[str, str], tenants: Mapping[str, str], queues: Mapping[str, str]
) -> Record:
    return {
        "fingerprint": fingerprint,
        "letters": letters,
        "deaths": int(group["deaths"]),
        **{name: group[name] for name in ("task", "error", "message", "line")},
        **{name: float(group[name]) for name in ("first_seen", "last_seen")},
        "tenant": {name: int(count) for name, count in tenants.items()},
        "queue": {name: int(count) for name, count in queues.items()},
    }
