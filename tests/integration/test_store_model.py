"""The store in memory is the model of the one in Redis: whatever is done to both, both answer alike."""

from __future__ import annotations

import time
from itertools import count

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from property_tests import settings
from tasks_platform.store import MemoryStore, RedisStore, Where

#: Longer than the test: when something runs out is asked in test_store.py.
TTL = 1000.0
TTLS = st.sampled_from([TTL, 5 * TTL])

JOBS = st.sampled_from(["a", "b"])
COPIES = st.sampled_from(["x", "y"])
ATTEMPTS = st.integers(1, 2)
CLAIMS = st.tuples(st.just(2), COPIES)
STEPS = st.sampled_from(["charge", "refund"])
FLOWS = st.sampled_from(["may", "june"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
RECORDS = st.dictionaries(TEXT, VALUES, max_size=3)
#: By what letters are found, grouped and told of.
FACTS = st.fixed_dictionaries(
    {"state": st.sampled_from(["dead", "parked"])},
    optional={
        "task": st.sampled_from(["ship", "bill"]),
        "tenant": st.sampled_from(["acme", None]),
        "fingerprint": st.sampled_from(["f1", "f2"]),
        "cause": st.fixed_dictionaries({"type": st.just("KeyError"), "line": st.sampled_from(["x:1", "x:2"])}),
    },
)
WHERE = st.builds(
    Where,
    task=st.sampled_from([None, "ship"]),
    tenant=st.sampled_from([None, "acme"]),
    fingerprint=st.sampled_from([None, "f1"]),
    state=st.sampled_from([None, "dead", "replaying"]),
    since=st.sampled_from([None, 2.0]),
    until=st.sampled_from([None, 2.0]),
)
TRIES = st.sampled_from([5.0, 6.5])
PLACES = st.tuples(st.sampled_from([2.0, 3.0]), JOBS)


class BothStores(RuleBasedStateMachine):
    """Do everything twice, and compare."""

    redis: RedisStore
    model: MemoryStore

    def both(self, operation, *args, **options):
        """Return what both stores answer."""
        actual = getattr(self.redis, operation)(*args, **options)
        assert actual == getattr(self.model, operation)(*args, **options)
        return actual


class Keys(BothStores):
    """Unique keys, their followers and outcomes."""

    @rule(job=JOBS, ttl=TTLS)
    def acquire(self, job, ttl):
        self.both("acquire", "key", job, ttl)

    @rule(job=JOBS, ttl=TTLS)
    def extend(self, job, ttl):
        self.both("extend", "key", job, ttl)

    @rule(job=JOBS, message=RECORDS, ttl=TTLS, extend=st.booleans(), claim=st.none() | CLAIMS)
    def follow(self, job, message, ttl, extend, claim):
        self.both("follow", "key", job, message, ttl, extend=extend, claim=claim)

    @rule(job=JOBS, claim=CLAIMS)
    def begin(self, job, claim):
        self.both("begin", job, *claim)

    @rule()
    def run_out(self):
        """Let the time of the key be over, and with it that of its outcome."""
        for name in ("unique:key", "outcome:key"):
            self.redis.client.delete(f"{self.redis._prefix}{name}")
            self.model._expiring.pop(name, None)

    @rule(job=JOBS, outcome=RECORDS)
    def settle(self, job, outcome):
        self.both("settle", "key", job, outcome)

    @rule(job=JOBS, keep=st.booleans(), told=st.booleans(), again=st.none() | RECORDS)
    def release(self, job, keep, told, again):
        followers = self.both("release", "key", job, keep=keep)
        for follower in followers if again is not None else ():
            self.both("follow", "key", follower, again, TTL)
        if told:
            self.both("release", "key", job, followers, keep=keep)

    @rule(job=JOBS, told=st.dictionaries(JOBS, RECORDS, max_size=2))
    def release_others(self, job, told):
        self.both("release", "key", job, told)

    @invariant()
    def look_alike(self):
        if self.both("holder", "key") is not None:
            left = self.redis.client.pttl(f"{self.redis._prefix}unique:key") / 1000
            until, _ = self.model._expiring["unique:key"]
            assert left == pytest.approx(until - time.time(), abs=60)


class Ids(BothStores):
    """Ids of a caller's choice, and which copies of a job's messages were run."""

    @rule(sender=COPIES)
    def reserve(self, sender):
        self.both("reserve", "job", sender, TTL)

    @rule(ttl=TTLS)
    def confirm(self, ttl):
        self.both("confirm", "job", ttl)

    @rule(sender=COPIES)
    def unreserve(self, sender):
        self.both("unreserve", "job", sender)

    @rule(ttl=TTLS)
    def retire(self, ttl):
        self.both("retire", "job", ttl)

    @rule()
    def run_out(self):
        """Let the time of the id be over."""
        self.redis.client.delete(f"{self.redis._prefix}id:job")
        self.model._expiring.pop("id:job", None)

    @rule(claim=CLAIMS)
    def begin(self, claim):
        self.both("begin", "job", *claim)

    @rule(claim=CLAIMS)
    def withdraw(self, claim):
        self.both("withdraw", "job", *claim)

    @rule(attempt=ATTEMPTS)
    def try_again(self, attempt):
        self.both("decide", "job", attempt, {"attempt": attempt}, {"again_in": 1.0}, None)

    @rule(attempt=ATTEMPTS)
    def bury(self, attempt):
        letter = {"id": "job", "state": "dead", "died_at": 1.0}
        self.both("decide", "job", attempt, {"attempt": attempt}, {"again_in": None}, letter)

    @rule()
    def forget(self):
        self.both("forget", "job")

    @invariant()
    def look_alike(self):
        self.both("letter", "job")
        self.both("attempts", "job")
        left = self.redis.client.pttl(f"{self.redis._prefix}id:job")
        until, _ = self.model._expiring.get("id:job", (None, None))
        assert (left < 0) == (until is None)
        if until is not None:
            assert left / 1000 == pytest.approx(until - time.time(), abs=60)


class Letters(BothStores):
    """Attempts, letters and steps: what is kept of a job, how it is found, and what is told of it."""

    @rule(job=JOBS, attempt=ATTEMPTS, record=RECORDS, again=st.none() | st.floats(0, 100))
    def try_again(self, job, attempt, record, again):
        self.both("decide", job, attempt, record, {"again_in": again}, None)

    @rule(job=JOBS, attempt=ATTEMPTS, letter=RECORDS, facts=FACTS, at=st.integers(1, 3))
    def bury(self, job, attempt, letter, facts, at):
        whole = {**letter, **facts, "id": job, "died_at": float(at)}
        self.both("decide", job, attempt, {"attempt": attempt, "worker": "w"}, {"again_in": None}, whole)

    @rule(job=JOBS, attempt=ATTEMPTS, letter=RECORDS, facts=FACTS, at=st.integers(1, 3))
    def bury_a_stray(self, job, attempt, letter, facts, at):
        whole = {**letter, **facts, "id": job, "died_at": float(at)}
        self.both("bury", job, attempt, {"attempt": attempt, "worker": "w"}, whole)

    @rule(job=JOBS, why=st.sampled_from(["recovered", "discarded"]))
    def forget(self, job, why):
        self.both("forget", job, why=why, by="ana")

    @rule(offset=st.integers(0, 3), limit=st.integers(0, 3), where=WHERE, after=st.none() | PLACES)
    def page(self, offset, limit, where, after):
        self.both("letters", offset, limit, where=where, after=after)
        assert self.both("count_letters") == len(self.both("letter_ids", ""))
        self.both("letter_states", ["a", "b"])
        self.both("replay_items", "r")
        self.both("replay_ends", "r", ["a", "b"])

    @rule(job=JOBS, message=RECORDS, version=st.integers(1, 3))
    def edit(self, job, message, version):
        self.both("edit_letter", job, message, version)

    @rule(job=JOBS, at=TRIES, version=st.integers(1, 3), before=st.none() | TRIES)
    def replay(self, job, at, version, before):
        self.both("mark_replaying", job, at, version=version, before=before, by="ana")

    @rule(job=JOBS, version=st.integers(1, 3), at=TRIES, before=st.none() | TRIES)
    def replay_with_others(self, job, version, at, before):
        item = {"version": version}
        self.both("claim_for_replay", "r", job, item, version=version, at=at, before=before, by="bob")

    @rule(job=JOBS, at=TRIES, attempt=st.integers(1, 3))
    def put_back(self, job, at, attempt):
        self.both("put_back", job, at, attempt, by="ana")

    @rule(job=JOBS, attempt=st.integers(1, 3), copy=COPIES)
    def begin(self, job, attempt, copy):
        self.both("begin", job, attempt, copy)

    @rule(versions=st.dictionaries(JOBS, st.integers(1, 3)))
    def purge(self, versions):
        self.both("purge_letters", versions, retention=TTL, by="ana", why="age")

    @rule(job=JOBS, step=STEPS, attempt=ATTEMPTS, copy=COPIES)
    def begin_step(self, job, step, attempt, copy):
        self.both("begin_step", job, step, f"{attempt}:{copy}", TTL)

    @rule(job=JOBS, step=STEPS, result=VALUES)
    def finish_step(self, job, step, result):
        self.both("finish_step", job, step, result, TTL)

    @rule(job=JOBS, attempt=ATTEMPTS, copy=COPIES | st.just(""))
    def abandon_steps(self, job, attempt, copy):
        self.both("abandon_steps", job, f"{attempt}:{copy}")

    @invariant()
    def look_alike(self):
        for job in ("a", "b"):
            self.both("attempts", job)
        self.both("letters")
        self.both("letter_groups")
        assert [told(record) for record in self.redis.audit()] == [told(record) for record in self.model.audit()]


def told(record):
    """Return a record of the audit without what depends on the clock."""
    return {name: value for name, value in record.items() if name not in {"audit_id", "at"}}


class Flows(BothStores):
    """Flows, and what people look at."""

    @rule(flow=FLOWS, fields=RECORDS, steps=st.dictionaries(JOBS, RECORDS, max_size=2), at=st.integers(1, 2))
    def create_flow(self, flow, fields, steps, at):
        self.both("create_flow", flow, {**fields, "created_at": at}, steps)

    @rule(flow=FLOWS, changes=st.dictionaries(st.sampled_from(["started", "note"]), VALUES))
    def update_flow(self, flow, changes):
        self.both("update_flow", flow, changes)

    @rule(flow=FLOWS, job=JOBS, state=st.sampled_from(["active", "succeeded"]))
    def mark_step(self, flow, job, state):
        self.both("mark_step", flow, job, state)

    @rule(job=JOBS, progress=RECORDS)
    def report(self, job, progress):
        self.both("report", job, progress, TTL)

    @rule(what=JOBS, now=st.floats(0, 2e9))
    def first_seen(self, what, now):
        self.both("first_seen", what, now, TTL)

    @invariant()
    def look_alike(self):
        for flow in ("may", "june"):
            self.both("flow", flow)
        for job in ("a", "b"):
            self.both("progress", job)
        self.both("flows")


@pytest.mark.checklist(13)
@pytest.mark.parametrize(("kind", "examples"), [(Keys, 80), (Ids, 80), (Letters, 50), (Flows, 15)])
def test_the_store_in_redis_answers_like_its_model_in_memory(redis_url, kind, examples):
    shared = RedisStore(redis_url)
    numbers = count(1)

    class Machine(kind):
        def __init__(self):
            super().__init__()
            self.redis = RedisStore(redis_url, prefix=f"{next(numbers)}:")
            self.redis.client = shared.client
            self.model = MemoryStore()

    patiently = settings(max_examples=examples, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow])
    try:
        run_state_machine_as_test(Machine, settings=patiently)
    finally:
        shared.client.close()
