"""What every store promises when it is asked twice, by many at once, and over a restart of the server."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from redis_server import running_redis
from store_records import (
    AGAIN,
    DEAD,
    FLOW,
    LONG,
    STEPS,
    attempt,
    bury,
    letter,
    message,
)
from tasks_platform.store import RedisStore
from waiting import wait_for


def observed(store):
    """Return everything that can be seen of a store without changing it."""
    return {
        "holder": store.holder("key"),
        "attempts": store.attempts("job"),
        "letters": store.letters(),
        "groups": store.letter_groups(),
        "audit": store.audit(),
        "teller": store.teller("log"),
        "replays": store.replays(),
        "items": store.replay_items("r"),
        "flow": store.flow("f"),
        "flows": store.flows(),
        "progress": store.progress("job"),
        "waits": store.waits([1]),
    }


REPLAY = {"created_at": 5.0, "state": "running"}


def a_replay(store):
    store.create_replay("r", REPLAY)


def with_followers(store):
    store.acquire("key", "a", LONG)
    store.follow("key", "b", message("b"), LONG)


REPEATED = {
    "reserve": (None, lambda store: store.reserve("job", "sender", LONG)),
    "confirm": (None, lambda store: store.confirm("job", LONG)),
    "unreserve": (lambda store: store.reserve("job", "sender", LONG), lambda store: store.unreserve("job", "sender")),
    "retire": (None, lambda store: store.retire("job", LONG)),
    "acquire": (None, lambda store: store.acquire("key", "a", LONG)),
    "extend": (with_followers, lambda store: store.extend("key", "a", LONG)),
    "follow": (with_followers, lambda store: store.follow("key", "c", message("c"), LONG)),
    "settle": (with_followers, lambda store: store.settle("key", "a", {"result": 1})),
    "release": (with_followers, lambda store: store.release("key", "a", {"b": message("b")})),
    "begin": (None, lambda store: store.begin("job", 2, "x")),
    "withdraw": (lambda store: store.begin("job", 2, "x"), lambda store: store.withdraw("job", 2, "x")),
    "decide": (None, lambda store: store.decide("job", 1, attempt(1), DEAD, letter())),
    "bury": (
        lambda store: store.decide("job", 1, attempt(1), AGAIN, None),
        lambda store: store.bury("job", 1, attempt(1), letter()),
    ),
    "forget": (bury, lambda store: store.forget("job")),
    "mark_replaying": (bury, lambda store: store.mark_replaying("job", 5.0, version=1)),
    "put_back": (
        lambda store: bury(store) or store.mark_replaying("job", 5.0, version=1),
        lambda store: store.put_back("job", 5.0, 2),
    ),
    "edit_letter": (bury, lambda store: store.edit_letter("job", message("corrected"), 1)),
    "list_letter": (bury, lambda store: store.list_letter(letter())),
    "save_teller": (None, lambda store: store.save_teller("log", {"cursor": "1-1"}, read={})),
    "create_replay": (None, lambda store: store.create_replay("r", REPLAY)),
    "update_replay": (a_replay, lambda store: store.update_replay("r", {"state": "ended"})),
    "add_to_replay": (None, lambda store: store.add_to_replay("r", {"job": {"state": "todo"}})),
    "set_replay_item": (None, lambda store: store.set_replay_item("r", "job", {"state": "sent"})),
    "claim_for_replay": (
        bury,
        lambda store: store.claim_for_replay("r", "job", {"state": "sending"}, version=1, at=5.0),
    ),
    "begin_step": (None, lambda store: store.begin_step("job", "charge", "1:x", LONG)),
    "finish_step": (None, lambda store: store.finish_step("job", "charge", 7, LONG)),
    "abandon_steps": (
        lambda store: store.begin_step("job", "charge", "1:x", LONG),
        lambda store: store.abandon_steps("job", "1:x"),
    ),
    "update_flow": (
        lambda store: store.create_flow("f", FLOW, {}),
        lambda store: store.update_flow("f", {"started": True}),
    ),
    "mark_step": (
        lambda store: store.create_flow("f", FLOW, {}),
        lambda store: store.mark_step("f", "a", "active"),
    ),
    "report": (None, lambda store: store.report("job", {"percent": 10}, LONG)),
    "count_waits": (None, lambda store: store.count_waits("worker", 1, 7, {"3:low:default": 2})),
    "keep_result": (None, lambda store: store.keep_result("ship", "job", LONG, 1)),
    "first_seen": (None, lambda store: store.first_seen("task", 5.0, LONG)),
}
#: Those whose answer says whether this very call changed something.
TOLD_APART = {
    "create_flow": (None, lambda store: store.create_flow("f", FLOW, STEPS)),
    "purge_letters": (bury, lambda store: store.purge_letters({"job": 1}, retention=LONG)),
}


@pytest.mark.parametrize("operation", [*REPEATED, *TOLD_APART])
def test_an_operation_repeated_with_the_same_arguments_changes_nothing(store, operation):
    prepare, act = (REPEATED | TOLD_APART)[operation]
    if prepare is not None:
        prepare(store)
    first, after_one = act(store), observed(store)
    second, after_two = act(store), observed(store)

    assert after_two == after_one
    assert (second == first) == (operation in REPEATED)


WORKERS = 8


def at_once(store, act):
    """Let eight callers call *act* with their number at the same moment; Redis sees eight connections."""
    barrier = threading.Barrier(WORKERS)

    def call(number):
        barrier.wait(10)
        return act(number)

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(call, range(WORKERS)))


ROUNDS = range(25)


class TestConcurrency:
    @pytest.mark.checklist(13, 57)
    def test_of_many_callers_one_takes_the_key_and_all_learn_which(self, store):
        for number in ROUNDS:
            answers = at_once(store, lambda me, key=f"key-{number}": store.acquire(key, f"job-{me}", LONG))

            assert len(set(answers)) == 1
            assert answers[0] == store.holder(f"key-{number}")

    @pytest.mark.checklist(13)
    def test_of_many_senders_one_gets_the_id(self, store):
        for number in ROUNDS:
            answers = at_once(store, lambda me, job=f"job-{number}": store.reserve(job, f"sender-{me}", LONG))

            assert sorted(answers) == ["free"] + ["reserved"] * (WORKERS - 1)

    @pytest.mark.checklist(13)
    def test_a_failed_run_that_many_hear_of_has_one_verdict_and_one_letter(self, store):
        for number in ROUNDS:
            job_id = f"job-{number}"

            def hear(me, job_id=job_id):
                buried = letter(id=job_id, cause={"heard by": me}) if me % 2 else None
                return store.decide(job_id, 1, attempt(me), {"again_in": None if me % 2 else me}, buried)

            (verdict, *others) = at_once(store, hear)
            assert others == [verdict] * (WORKERS - 1)
            (recorded,) = store.attempts(job_id)
            found = store.letter(job_id)
            if verdict["again_in"] is None:
                assert (found["version"], found["cause"]["heard by"]) == (1, recorded["attempt"])
            else:
                assert (found, verdict["again_in"]) == (None, recorded["attempt"])
        assert store.count_letters() == sum(store.letter(f"job-{number}") is not None for number in ROUNDS)

    @pytest.mark.checklist(13)
    def test_of_many_copies_of_one_attempt_one_is_run(self, store):
        for number in ROUNDS:
            answers = at_once(store, lambda me, job=f"job-{number}": store.begin(job, 2, f"copy-{me}"))

            assert answers.count(True) == 1

    def test_of_many_runs_one_does_the_step(self, store):
        for number in ROUNDS:
            answers = at_once(store, lambda me, job=f"job-{number}": store.begin_step(job, "charge", f"1:{me}", LONG))

            assert sorted(answer for answer, _ in answers) == ["busy"] * (WORKERS - 1) + ["do"]

    def test_a_follower_is_told_or_takes_the_key_but_is_never_lost(self, store):
        for number in ROUNDS:
            key, told = f"key-{number}", {}
            store.acquire(key, "holder", LONG)

            def act(me, key=key, told=told):
                if me:
                    return store.follow(key, f"job-{me}", message(str(me)), LONG)[0]
                answered = {}
                while answered := store.release(key, "holder", answered):
                    told.update(answered)
                return None

            holders = at_once(store, act)[1:]
            followed = {f"job-{me}" for me, holder in enumerate(holders, 1) if holder == "holder"}
            (second, *rest) = set(holders) - {"holder"} or {None}
            assert rest == []
            assert set(told) == followed
            if second is not None:
                assert set(store.release(key, second)) == {f"job-{me}" for me in range(1, WORKERS)} - followed - {
                    second
                }

    def test_of_many_edits_of_one_version_one_is_made(self, store):
        bury(store)
        answers = at_once(store, lambda me: store.edit_letter("job", message(str(me)), 1))

        assert answers.count(True) == 1
        assert store.letter("job")["message"] == message(str(answers.index(True)))


def test_two_prefixes_share_a_server_and_nothing_else(redis_url):
    one, other = RedisStore(redis_url, prefix="one:"), RedisStore(redis_url, prefix="other:")
    one.acquire("key", "a", LONG)
    bury(one)

    assert (other.holder("key"), other.letters()) == (None, [])
    for store in (one, other):
        store.client.close()


def test_a_letter_and_its_attempts_have_no_end_and_what_is_retried_has(redis_url, redis_db):
    store = RedisStore(redis_url, prefix="")
    store.decide("retried", 1, attempt(1), AGAIN, None)
    store.begin("begun", 2, "x")
    bury(store, "dead")
    store.begin("dead", 2, "the replay")
    store.begin_step("vanished", "charge", "1:x", 60.0)
    store.client.close()

    assert redis_db.ttl("job:dead") == redis_db.ttl("letter:dead") == redis_db.ttl("letters") == -1
    assert 30 * 86400 < redis_db.ttl("job:retried") <= 30 * 86400 + 3  # from its next attempt on
    assert 0 < redis_db.ttl("job:begun") <= 30 * 86400
    assert 0 < redis_db.ttl("steps:vanished") <= 60


@pytest.mark.checklist(12)
def test_operations_outlive_a_restart_of_the_server(tmp_path):
    options = ("--appendonly", "yes", "--appendfsync", "always")
    done, goal = count(1), threading.Event()

    def work(url):
        store = RedisStore(url)
        for number in done:
            assert store.acquire(f"key-{number}", f"job-{number}", LONG) == f"job-{number}"
            store.decide(f"job-{number}", 1, attempt(1), DEAD, letter(id=f"job-{number}"))
            if goal.is_set():
                return store, number
        raise AssertionError

    with ThreadPoolExecutor(1) as pool:
        with running_redis(tmp_path, *options) as server:
            result = pool.submit(work, server.url)
            watcher = RedisStore(server.url)
            wait_for(lambda: watcher.count_letters() > 20)
            os.kill(server.pid, 9)
        with running_redis(tmp_path, *options, port=server.port):
            before = watcher.count_letters()
            wait_for(lambda: watcher.count_letters() > before + 20, deadline=20)
            goal.set()
            store, last = result.result(20)
            assert watcher.count_letters() == last
            assert all(len(watcher.attempts(f"job-{number}")) == 1 for number in range(1, last + 1))
            store.client.close()
            watcher.client.close()
