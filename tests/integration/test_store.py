"""What every store promises, asked of the one in Redis and of its twin in memory."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from redis_server import running_redis
from tasks_platform.store import MemoryStore, RedisStore
from waiting import wait_for

LONG = 1000.0
#: What runs out while a test waits.
SHORT = 0.1
#: What runs out, but not before the test has done what it does before.
BRIEF = 0.5


@pytest.fixture(params=["memory", "redis"])
def store(request):
    if request.param == "memory":
        yield MemoryStore()
        return
    store = RedisStore(request.getfixturevalue("redis_url"))
    yield store
    store.client.close()


def message(text="first", **more):
    return {"task": "shop.ship", "args": [text, 1.5, None, "é"], "kwargs": {}, "options": {"headers": more}}


def letter(died_at=1.0, **fields):
    return {
        "id": "job",
        "state": "dead",
        "died_at": died_at,
        "message": message(),
        "cause": {"type": "KeyError"},
        **fields,
    }


def attempt(number):
    return {"attempt": number, "error": {"type": "KeyError", "message": str(number)}}


AGAIN = {"again_in": 2.5, "parked": False}
DEAD = {"again_in": None, "parked": False}


def bury(store, job_id="job", number=1, **fields):
    store.decide(job_id, number, attempt(number), DEAD, letter(id=job_id, **fields))


class TestJobIds:
    def test_an_id_is_free_then_reserved_then_taken(self, store):
        assert store.reserve("job", "sender", LONG) == "free"
        assert store.reserve("job", "another", LONG) == "reserved"
        store.confirm("job", LONG)
        assert store.reserve("job", "another", LONG) == "taken"
        assert store.reserve("job", "sender", LONG) == "taken"

    def test_the_same_sender_may_ask_again(self, store):
        assert [store.reserve("job", "sender", LONG) for _ in range(3)] == ["free"] * 3

    def test_a_reservation_is_given_up_only_by_its_sender(self, store):
        store.reserve("job", "sender", LONG)
        store.unreserve("job", "another")
        assert store.reserve("job", "another", LONG) == "reserved"
        store.unreserve("job", "sender")
        assert store.reserve("job", "another", LONG) == "free"

    def test_what_was_sent_cannot_be_given_up(self, store):
        store.reserve("job", "sender", LONG)
        store.confirm("job", LONG)
        store.unreserve("job", "sender")

        assert store.reserve("job", "sender", LONG) == "taken"

    def test_a_reservation_whose_sender_vanished_lapses(self, store):
        store.reserve("job", "vanished", SHORT)

        assert wait_for(lambda: store.reserve("job", "another", LONG) == "free")

    def test_what_a_sender_may_have_sent_before_it_vanished_is_not_run_twice(self, store):
        store.reserve("job", "vanished", SHORT)
        store.begin("job", 2, "copy of the first message")
        wait_for(lambda: store.reserve("job", "another", LONG) == "free")

        assert not store.begin("job", 2, "copy of the second message")

    def test_the_id_of_a_job_that_ended_is_free_after_its_retention(self, store):
        store.reserve("job", "sender", LONG)
        store.confirm("job", LONG)
        store.retire("job", BRIEF)
        assert store.reserve("job", "another", LONG) == "taken"

        assert wait_for(lambda: store.reserve("job", "another", LONG) == "free")

    def test_a_job_that_ended_before_its_sender_could_say_so_stays_ended(self, store):
        store.reserve("job", "sender", LONG)
        store.retire("job", BRIEF)
        store.confirm("job", LONG)

        assert wait_for(lambda: store.reserve("job", "another", LONG) == "free")

    def test_the_id_of_a_dead_letter_is_taken(self, store):
        bury(store)
        assert store.reserve("job", "sender", LONG) == "taken"

        store.forget("job")
        assert store.reserve("job", "sender", LONG) == "free"

    def test_a_second_job_of_an_id_begins_without_what_the_first_one_left(self, store):
        store.begin("job", 2, "copy of the first")
        store.decide("job", 1, attempt(1), AGAIN, None)
        store.reserve("job", "sender", LONG)

        assert store.begin("job", 2, "copy of the second")
        assert store.attempts("job") == []

    def test_asking_again_for_a_reserved_id_drops_nothing(self, store):
        store.reserve("job", "sender", LONG)
        store.decide("job", 1, attempt(1), AGAIN, None)
        store.reserve("job", "sender", LONG)

        assert store.attempts("job") == [attempt(1)]


class TestUniqueKeys:
    def test_the_first_takes_the_key_and_the_others_learn_who_has_it(self, store):
        assert [store.acquire("key", job, LONG) for job in ("a", "b", "a", "c")] == ["a"] * 4
        assert store.holder("key") == "a"

    def test_a_free_key_has_no_holder(self, store):
        assert store.holder("key") is None

    def test_only_its_owner_frees_a_key(self, store):
        store.acquire("key", "a", LONG)
        assert store.release("key", "b") == {}
        assert store.holder("key") == "a"
        store.release("key", "a")
        assert store.holder("key") is None

    def test_a_key_that_nobody_gave_back_is_free_after_its_time(self, store):
        store.acquire("key", "a", SHORT)

        assert wait_for(lambda: store.acquire("key", "b", LONG) == "b")

    def test_asking_again_does_not_lengthen_the_time_of_a_key(self, store):
        store.acquire("key", "a", BRIEF)

        store.acquire("key", "a", LONG)

        assert wait_for(lambda: store.holder("key") is None)

    def test_its_holder_keeps_a_key_for_longer(self, store):
        store.acquire("key", "a", BRIEF)
        store.extend("key", "b", SHORT)
        store.extend("key", "a", LONG)
        store.acquire("other", "a", BRIEF)
        wait_for(lambda: store.holder("other") is None)

        assert store.holder("key") == "a"

    def test_a_key_that_is_free_cannot_be_kept_longer(self, store):
        store.extend("key", "a", LONG)

        assert store.holder("key") is None

    def test_a_job_that_starts_keeps_its_key_for_longer(self, store):
        store.acquire("key", "a", SHORT)
        assert store.follow("key", "a", message(), LONG) == ("a", None)
        store.acquire("other", "a", SHORT)
        wait_for(lambda: store.holder("other") is None)

        assert store.holder("key") == "a"

    def test_a_job_that_starts_leaves_the_end_of_a_period_where_it_is(self, store):
        store.acquire("key", "a", BRIEF)
        assert store.follow("key", "a", message(), LONG, extend=False) == ("a", None)

        assert wait_for(lambda: store.holder("key") is None)

    def test_a_follower_of_a_free_key_takes_it(self, store):
        assert store.follow("key", "b", message(), LONG, extend=False) == ("b", None)
        assert store.holder("key") == "b"

    def test_followers_wait_until_the_holder_tells_them_and_then_the_key_is_free(self, store):
        store.acquire("key", "a", LONG)
        assert store.follow("key", "b", message("b"), LONG) == ("a", None)
        assert store.follow("key", "c", message("c"), LONG) == ("a", None)

        followers = store.release("key", "a")
        assert followers == {"b": message("b"), "c": message("c")}
        assert store.holder("key") == "a"
        assert store.release("key", "a", followers) == {}
        assert store.holder("key") is None

    def test_a_follower_that_came_in_the_meantime_is_answered_with(self, store):
        store.acquire("key", "a", LONG)
        store.follow("key", "b", message("b"), LONG)
        told = store.release("key", "a")
        store.follow("key", "c", message("c"), LONG)

        assert store.release("key", "a", told) == {"c": message("c")}
        assert store.holder("key") == "a"

    def test_a_follower_that_came_back_in_the_meantime_is_answered_with_again(self, store):
        store.acquire("key", "a", LONG)
        store.follow("key", "b", message(copy=1), LONG)
        told = store.release("key", "a")
        store.follow("key", "b", message(copy=2), LONG)

        assert store.release("key", "a", told) == {"b": message(copy=2)}

    def test_followers_of_a_holder_that_vanished_are_told_by_the_next(self, store):
        store.acquire("key", "vanished", BRIEF)
        store.follow("key", "b", message("b"), BRIEF)
        wait_for(lambda: store.acquire("key", "next", LONG) == "next")

        assert store.release("key", "next") == {"b": message("b")}

    def test_followers_are_told_by_a_holder_whose_key_expired_while_it_ran(self, store):
        store.acquire("key", "a", BRIEF)
        store.follow("key", "b", message("b"), BRIEF)
        wait_for(lambda: store.holder("key") is None)

        assert store.release("key", "a") == {"b": message("b")}
        assert store.release("key", "a", {"b": message("b")}) == {}
        assert store.release("key", "a") == {}

    def test_a_follower_gives_back_its_claim_for_it_will_come_again_as_another_copy(self, store):
        store.acquire("key", "a", LONG)
        store.begin("b", 1, "x")
        store.follow("key", "b", message("b"), LONG, claim=(1, "x"))

        assert store.begin("b", 1, "y")

    def test_a_follower_gives_back_no_claim_of_another_copy(self, store):
        store.acquire("key", "a", LONG)
        store.begin("b", 1, "x")
        store.follow("key", "b", message("b"), LONG, claim=(1, "y"))

        assert not store.begin("b", 1, "y")

    def test_a_job_that_may_run_keeps_its_claim(self, store):
        store.begin("b", 1, "x")
        store.follow("key", "b", message("b"), LONG, claim=(1, "x"))

        assert not store.begin("b", 1, "y")

    def test_a_follower_that_takes_the_key_follows_no_more(self, store):
        store.acquire("key", "vanished", SHORT)
        store.follow("key", "b", message("b"), SHORT)
        wait_for(lambda: store.follow("key", "b", message("b"), LONG) == ("b", None))

        assert store.release("key", "b") == {}

    def test_a_key_that_is_kept_answers_with_the_outcome(self, store):
        store.acquire("key", "a", LONG)
        store.settle("key", "a", {"holder": "a", "result": [1, {"é": None}]})
        assert store.release("key", "a", keep=True) == {}

        assert store.acquire("key", "b", LONG) == "a"
        assert store.follow("key", "b", message(), LONG) == ("a", {"holder": "a", "result": [1, {"é": None}]})
        assert store.release("key", "a", keep=True) == {}

    def test_an_outcome_ends_with_its_key(self, store):
        store.acquire("key", "a", SHORT)
        store.settle("key", "a", {"result": 1})
        wait_for(lambda: store.acquire("key", "b", LONG) == "b")

        assert store.follow("key", "c", message(), LONG) == ("b", None)

    def test_only_the_holder_settles(self, store):
        store.acquire("key", "a", LONG)
        store.settle("key", "b", {"result": 1})

        assert store.follow("key", "c", message(), LONG) == ("a", None)

    def test_a_freed_key_forgets_its_outcome(self, store):
        store.acquire("key", "a", LONG)
        store.settle("key", "a", {"result": 1})
        store.release("key", "a")
        store.acquire("key", "b", LONG)

        assert store.follow("key", "c", message(), LONG) == ("b", None)


class TestRuns:
    def test_of_two_copies_of_one_attempt_the_first_is_run(self, store):
        assert [store.begin("job", 2, copy) for copy in ("x", "y", "x")] == [True, False, True]
        assert store.begin("job", 3, "y")

    def test_a_claim_that_was_given_back_may_be_taken_by_another_copy(self, store):
        store.begin("job", 2, "x")
        store.withdraw("job", 2, "y")
        assert not store.begin("job", 2, "y")
        store.withdraw("job", 2, "x")
        assert store.begin("job", 2, "y")

    def test_the_first_verdict_stands(self, store):
        assert store.decide("job", 1, attempt(1), AGAIN, None) == AGAIN
        assert store.decide("job", 1, attempt(9), DEAD, letter()) == AGAIN
        assert (store.attempts("job"), store.count_letters()) == ([attempt(1)], 0)

    def test_attempts_are_told_in_order_whenever_they_were_recorded(self, store):
        for number in (10, 2, 1):
            store.decide("job", number, attempt(number), AGAIN, None)

        assert store.attempts("job") == [attempt(1), attempt(2), attempt(10)]

    def test_a_job_that_never_failed_has_none(self, store):
        assert store.attempts("job") == []

    def test_what_was_forgotten_is_gone(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)
        bury(store, number=2)
        store.forget("job")

        assert (store.attempts("job"), store.letter("job"), store.count_letters()) == ([], None, 0)
        assert store.decide("job", 1, attempt(1), DEAD, None) == DEAD

    def test_a_late_copy_of_a_job_that_succeeded_is_not_run_again(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)
        store.begin("job", 2, "x")
        store.forget("job")

        assert not store.begin("job", 2, "y")


class TestLetters:
    @pytest.mark.checklist(33, 36)
    def test_a_letter_is_told_with_its_attempts(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)
        bury(store, number=2)

        assert store.letter("job") == {**letter(), "version": 1, "attempts": [attempt(1), attempt(2)]}

    def test_there_is_no_letter_of_a_job_that_is_tried_again(self, store):
        store.decide("job", 1, attempt(1), AGAIN, None)

        assert (store.letter("job"), store.letters(), store.count_letters()) == (None, [], 0)

    @pytest.mark.checklist(36)
    def test_letters_are_told_the_newest_first_page_by_page(self, store):
        for job_id, died_at in (("b", 2.0), ("a", 1.0), ("d", 3.5), ("c", 3.5)):
            bury(store, job_id, died_at=died_at)

        assert [one["id"] for one in store.letters()] == ["d", "c", "b", "a"]
        assert [one["id"] for one in store.letters(1, 2)] == ["c", "b"]
        assert (store.letters(4), store.letters(0, 0), store.count_letters()) == ([], [], 4)

    def test_a_job_that_dies_again_is_one_letter_of_the_next_version(self, store):
        bury(store, number=1, died_at=1.0)
        bury(store, number=2, died_at=2.0, state="parked")

        (found,) = store.letters()
        assert (found["version"], found["died_at"], found["state"]) == (2, 2.0, "parked")
        assert found["attempts"] == [attempt(1), attempt(2)]

    def test_an_edit_changes_the_message_of_the_version_that_was_read(self, store):
        bury(store)
        assert store.edit_letter("job", message("corrected"), 1)
        assert store.letter("job") == {
            **letter(message=message("corrected")),
            "version": 2,
            "attempts": [attempt(1)],
        }

    def test_an_edit_of_what_somebody_else_changed_is_refused(self, store):
        bury(store)
        store.edit_letter("job", message("theirs"), 1)

        assert not store.edit_letter("job", message("mine"), 1)
        assert store.letter("job")["message"] == message("theirs")

    def test_what_is_no_letter_cannot_be_edited_or_replayed(self, store):
        assert not store.edit_letter("job", message(), 1)
        assert store.mark_replaying("job", 5.0) is None
        assert (store.letter("job"), store.count_letters()) == (None, 0)

    @pytest.mark.checklist(37)
    def test_a_letter_that_is_replayed_says_so_until_it_dies_again(self, store):
        bury(store)
        assert store.mark_replaying("job", 5.0)["state"] == "replaying"
        assert store.letter("job")["state"] == "replaying"
        assert store.letters()[0]["state"] == "replaying"

        bury(store, number=2)
        assert store.letter("job")["state"] == "dead"


class TestSteps:
    def test_a_step_is_done_once(self, store):
        assert store.begin_step("job", "charge", "1:x", LONG) == ("do", None)
        store.finish_step("job", "charge", {"receipt": [7, None]}, LONG)

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", {"receipt": [7, None]})

    def test_a_result_may_be_nothing(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", None, LONG)

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", None)

    def test_two_runs_are_never_at_one_step(self, store):
        store.begin_step("job", "charge", "1:x", LONG)

        assert store.begin_step("job", "charge", "1:y", LONG) == ("busy", None)
        assert store.begin_step("job", "charge", "1:x", LONG) == ("do", None)
        assert store.begin_step("job", "refund", "1:y", LONG) == ("do", None)
        assert store.begin_step("other", "charge", "1:y", LONG) == ("do", None)

    def test_a_lease_that_ran_out_frees_the_step(self, store):
        store.begin_step("job", "charge", "1:x", SHORT)
        store.begin_step("job", "refund", "1:x", LONG)

        assert wait_for(lambda: store.begin_step("job", "charge", "2:y", LONG) == ("do", None))
        assert store.begin_step("job", "refund", "2:y", LONG) == ("busy", None)

    @pytest.mark.parametrize("run", ["1:x", "1:"])
    def test_steps_are_freed_by_the_run_that_was_at_them_or_by_its_attempt(self, store, run):
        store.begin_step("job", "charge", "1:x", LONG)
        store.begin_step("job", "refund", "2:y", LONG)
        store.begin_step("job", "notify", "11:x", LONG)
        store.abandon_steps("job", run)

        assert [store.begin_step("job", step, "3:z", LONG)[0] for step in ("charge", "refund", "notify")] == [
            "do",
            "busy",
            "busy",
        ]

    def test_freeing_steps_leaves_those_that_are_done(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", 7, LONG)
        store.abandon_steps("job", "1:")

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", 7)

    def test_a_result_is_forgotten_after_its_time(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", 7, SHORT)

        assert wait_for(lambda: store.begin_step("job", "charge", "2:y", LONG) == ("do", None))

    def test_a_result_is_kept_as_long_as_the_letter(self, store):
        store.begin_step("job", "charge", "1:x", LONG)
        store.finish_step("job", "charge", 7, BRIEF)
        store.acquire("meanwhile", "a", BRIEF + SHORT)
        bury(store)
        store.begin_step("job", "notify", "2:y", SHORT)
        wait_for(lambda: store.holder("meanwhile") is None)

        assert store.begin_step("job", "charge", "2:y", LONG) == ("done", 7)


FLOW = {"kind": "month", "rule": "park", "created_at": 5.0}
STEPS = {"a": {"task": "shop.bill", "after": []}, "b": {"task": "shop.mail", "after": ["a"]}}


class TestFlows:
    def test_a_flow_is_told_as_it_was_created(self, store):
        assert store.create_flow("f", FLOW, STEPS)
        assert store.flow("f") == {**FLOW, "steps": STEPS, "states": {}}

    def test_of_two_flows_of_one_id_the_first_stands(self, store):
        store.create_flow("f", FLOW, STEPS)

        assert not store.create_flow("f", {**FLOW, "kind": "year", "created_at": 9.0}, {})
        assert store.flow("f")["kind"] == "month"
        assert store.flows() == ["f"]

    def test_steps_and_fields_change(self, store):
        store.create_flow("f", FLOW, STEPS)
        store.mark_step("f", "a", "active")
        store.mark_step("f", "a", "succeeded")
        store.mark_step("f", "b", "parked")
        store.update_flow("f", {"started": True, "note": {"é": [1]}})
        store.update_flow("f", {"note": None})
        store.update_flow("f", {})

        assert store.flow("f") == {
            **FLOW,
            "started": True,
            "note": None,
            "steps": STEPS,
            "states": {"a": "succeeded", "b": "parked"},
        }

    def test_what_is_no_flow_does_not_become_one(self, store):
        store.mark_step("f", "a", "active")
        store.update_flow("f", {"started": True})
        assert (store.flow("f"), store.flows()) == (None, [])

        store.create_flow("f", FLOW, STEPS)
        assert store.flow("f") == {**FLOW, "steps": STEPS, "states": {}}

    def test_flows_are_told_the_newest_first(self, store):
        for flow_id, created_at in (("b", 2.0), ("a", 1), ("d", 3.5), ("c", 3.5)):
            store.create_flow(flow_id, {**FLOW, "created_at": created_at}, {})

        assert store.flows() == ["d", "c", "b", "a"]


class TestWatch:
    def test_progress_is_what_was_said_last(self, store):
        assert store.progress("job") is None
        for percent in (10, 20):
            store.report("job", {"percent": percent, "message": "é", "eta": None}, LONG)

        assert store.progress("job") == {"percent": 20, "message": "é", "eta": None}

    def test_progress_is_forgotten_after_its_time(self, store):
        store.report("job", {"percent": 10}, SHORT)

        assert wait_for(lambda: store.progress("job") is None)

    def test_what_is_handed_out_is_a_copy(self, store):
        store.report("job", {"percent": 10}, LONG)
        store.progress("job")["percent"] = 99
        bury(store)
        store.letter("job")["message"]["task"] = "changed"

        assert store.progress("job") == {"percent": 10}
        assert store.letter("job")["message"]["task"] == "shop.ship"

    def test_the_first_time_is_remembered(self, store):
        assert [store.first_seen("task", now, LONG) for now in (5.125, 6.0, 1.0)] == [5.125] * 3
        assert store.first_seen("other", 6.0, LONG) == 6.0

    def test_the_first_time_is_forgotten_after_its_time(self, store):
        store.first_seen("task", 5.0, SHORT)

        assert wait_for(lambda: store.first_seen("task", 6.0, LONG) == 6.0)


def observed(store):
    """Return everything that can be seen of a store without changing it."""
    return {
        "holder": store.holder("key"),
        "attempts": store.attempts("job"),
        "letters": store.letters(),
        "flow": store.flow("f"),
        "flows": store.flows(),
        "progress": store.progress("job"),
    }


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
    "forget": (bury, lambda store: store.forget("job")),
    "mark_replaying": (bury, lambda store: store.mark_replaying("job", 5.0)),
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
    "first_seen": (None, lambda store: store.first_seen("task", 5.0, LONG)),
}
#: Those whose answer says whether this very call changed something.
TOLD_APART = {
    "edit_letter": (bury, lambda store: store.edit_letter("job", message("corrected"), 1)),
    "create_flow": (None, lambda store: store.create_flow("f", FLOW, STEPS)),
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
    assert 0 < redis_db.ttl("job:retried") <= 30 * 86400
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
