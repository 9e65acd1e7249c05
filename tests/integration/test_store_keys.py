"""What every store promises of ids and unique keys."""

from __future__ import annotations

from store_records import (
    AGAIN,
    BRIEF,
    LONG,
    SHORT,
    attempt,
    bury,
    message,
)
from waiting import wait_for


class TestJobIds:
    def test_an_id_is_free_then_reserved_then_taken(self, store):
        assert store.reserve("job", "sender", LONG) == "free"
        assert store.reserve("job", "another", LONG) == "reserved"
        store.confirm("job", LONG)
        assert store.reserve("job", "another", LONG) == "taken"
        assert store.reserve("job", "sender", LONG) == "taken"

    def test_many_are_reserved_in_one_step_each_as_if_it_was_alone(self, store):
        store.reserve("another's", "another", LONG)
        store.confirm("sent", LONG)
        asked = [("new", "one"), ("another's", "two"), ("sent", "three"), ("new", "four"), ("new", "one")]
        assert store.reserve_all(asked, LONG) == ["free", "reserved", "taken", "reserved", "free"]
        assert store.reserve_all([], LONG) == []
        store.unreserve("new", "one")
        assert store.reserve("new", "four", LONG) == "free"

    def test_the_same_sender_may_ask_again(self, store):
        assert [store.reserve("job", "sender", LONG) for _ in range(3)] == ["free"] * 3

    def test_a_reservation_is_given_up_only_by_its_sender(self, store):
        store.reserve("job", "sender", LONG)
        store.unreserve("job", "another")
        assert store.reserve("job", "another", LONG) == "reserved"
        store.unreserve("job", "sender")
        assert store.reserve("job", "another", LONG) == "free"

    def test_many_are_confirmed_and_given_up_together(self, store):
        for job in ("sent", "not sent"):
            store.reserve(job, "sender", LONG)
        with store.together():
            store.confirm("sent", LONG)
            store.unreserve("not sent", "sender")
        assert [store.reserve(job, "another", LONG) for job in ("sent", "not sent")] == ["taken", "free"]

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
