from __future__ import annotations

from datetime import timedelta

import pytest

from runs import Bench, Clock, fails, succeeds
from tasks_platform.errors import FollowedJobFailedError, LetterError
from tasks_platform.policies import DeadLetters, Retry, Unique
from tasks_platform.store import MemoryStore


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


class TestFollowers:
    @pytest.fixture
    def bench(self, store):
        return Bench((Unique(), DeadLetters(), Retry(max_attempts=2)), store)

    def test_a_duplicate_that_something_waits_for_is_sent_and_ends_with_the_holders_result(self, bench):
        bench.delay("a")
        assert bench.delay("b", awaited=True) == "b"
        assert bench.waiting == ["a", "b"]

        holder = bench.take()
        bench.work(lambda: pytest.fail("a follower runs"))
        assert bench.ended == {}
        bench.run(holder, succeeds)
        bench.work(lambda: pytest.fail("a follower runs"))

        assert bench.ended == {"a": "sent", "b": "sent"}
        assert bench.waiting == []

    def test_it_waits_without_occupying_a_worker(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        bench.take()
        bench.work(succeeds)

        assert bench.waiting == []

    def test_it_fails_when_the_holder_has_failed_for_good_and_is_not_tried_again(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        holder = bench.take()
        bench.work(succeeds)
        bench.run(holder, fails)
        bench.work(fails)

        assert isinstance(bench.ended["a"], ConnectionError)
        bench.work(succeeds)
        assert isinstance(bench.ended["b"], FollowedJobFailedError)
        assert str(bench.ended["b"]) == (
            "job a, which held the unique key, ended with ConnectionError: the mail server is down"
        )
        assert bench.waiting == []

    def test_it_goes_on_waiting_while_the_holder_is_retried(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        holder = bench.take()
        bench.work(succeeds)
        bench.run(holder, fails)
        assert bench.waiting == ["a"]

        bench.work(succeeds)
        bench.work(fails)
        assert bench.ended == {"a": "sent", "b": "sent"}

    def test_it_ends_when_the_holder_is_cancelled(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        holder = bench.take()
        bench.work(succeeds)
        bench.cancel(holder, "the order was withdrawn")
        bench.work(succeeds)

        assert "ended with the order was withdrawn" in str(bench.ended["b"])

    def test_many_followers_end_together_and_the_key_is_free(self, bench):
        bench.delay("a")
        for number in range(5):
            bench.delay(f"f{number}", awaited=True)
        holder = bench.take()
        for _ in range(5):
            bench.work(succeeds)
        bench.run(holder, succeeds)
        for _ in range(5):
            bench.work(fails)

        assert bench.ended == dict.fromkeys(["a", "f0", "f1", "f2", "f3", "f4"], "sent")
        assert bench.delay("next") == "next"

    def test_one_that_comes_when_the_holder_has_ended_takes_its_place(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        bench.work(succeeds)
        bench.work(lambda: "sent again")

        assert bench.ended == {"a": "sent", "b": "sent again"}

    def test_a_killed_holder_that_runs_again_tells_its_followers_again(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        killed = bench.take()
        bench.work(succeeds)
        bench.redeliver(killed)
        bench.work(succeeds)
        bench.work(fails)

        assert bench.ended == {"a": "sent", "b": "sent"}


class TestUntilStarted:
    @pytest.fixture
    def bench(self, store):
        return Bench((Unique(until="started"), DeadLetters(), Retry(max_attempts=2)), store)

    def test_one_may_run_while_one_waits(self, bench):
        bench.delay("a")
        assert bench.delay("b") == "a"
        bench.work(lambda: (bench.delay("c"), bench.delay("d")))

        assert bench.ended == {"a": ("c", "c")}
        assert bench.waiting == ["c"]

    def test_a_duplicate_that_something_waits_for_runs_after_the_one_that_started(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        holder = bench.take()
        bench.work(succeeds)
        assert bench.ended == {}

        bench.run(holder, succeeds)
        bench.work(lambda: "b itself")
        assert bench.ended == {"a": "sent", "b": "b itself"}

    def test_those_that_follow_one_after_the_other_run_one_after_the_other(self, bench):
        bench.delay("a")
        for job in ("b", "c", "d"):
            bench.delay(job, awaited=True)
        ran = []
        first = bench.take()
        for _ in range(3):
            bench.work(succeeds)
        bench.run(first, lambda: ran.append("a"))
        while bench.queue:
            run = bench.take()
            bench.run(run, lambda job=run.job_id: ran.append(job))

        assert sorted(ran) == ["a", "b", "c", "d"]
        assert set(bench.ended) == {"a", "b", "c", "d"}

    def test_a_follower_that_is_sent_again_and_follows_at_once_is_not_lost(self, bench):
        """It is taken from the queue before the one that started has let go of the key."""
        bench.delay("a")
        bench.delay("b", awaited=True)
        holder = bench.take()
        bench.work(succeeds)
        release, early = bench.store.release, []

        def slow_release(*args, **options):
            if bench.queue and not early:
                early.append(bench.work(lambda: pytest.fail("two jobs of one key at a time")))
            return release(*args, **options)

        bench.store.release = slow_release
        bench.run(holder, succeeds)
        while bench.queue:
            bench.work(lambda: "b itself")

        assert [run.job_id for run in early] == ["b"]
        assert bench.ended == {"a": "sent", "b": "b itself"}


class TestForAPeriod:
    @pytest.fixture(params=[600.0, timedelta(minutes=10)])
    def bench(self, store, request):
        return Bench((Unique(period=request.param), DeadLetters(), Retry(max_attempts=2)), store)

    @pytest.mark.checklist(57)
    def test_the_key_is_held_to_the_end_of_the_period_even_if_the_job_ends_sooner(self, bench, clock):
        bench.delay("a")
        bench.work(succeeds)
        clock.now += 599
        assert bench.delay("b") == "a"

        clock.now += 2
        assert bench.delay("c") == "c"

    def test_the_period_begins_with_the_call_not_with_the_run(self, bench, clock):
        bench.delay("a")
        clock.now += 500
        bench.work(succeeds)
        clock.now += 101

        assert bench.delay("b") == "b"

    def test_a_duplicate_that_something_waits_for_gets_the_result_of_the_job_that_ended(self, bench):
        bench.delay("a")
        bench.work(succeeds)
        bench.delay("b", awaited=True)
        bench.work(lambda: pytest.fail("a duplicate runs"))

        assert bench.ended == {"a": "sent", "b": "sent"}

    def test_one_that_came_while_it_ran_gets_it_too(self, bench):
        bench.delay("a")
        bench.delay("b", awaited=True)
        holder = bench.take()
        bench.work(fails)
        bench.run(holder, succeeds)
        bench.work(fails)

        assert bench.ended == {"a": "sent", "b": "sent"}
        assert bench.delay("c") == "a"

    def test_a_job_that_died_does_not_keep_others_from_trying(self, bench):
        bench.delay("a")
        bench.work(fails)
        bench.work(fails)

        assert bench.delay("b") == "b"


class TestReplay:
    @pytest.fixture
    def bench(self, store):
        bench = Bench((Unique(), DeadLetters(), Retry(max_attempts=1)), store)
        bench.delay("a")
        bench.work(fails)
        return bench

    def test_it_takes_the_key_again(self, bench):
        assert bench.delay("a", replayed=True) == "a"
        assert bench.delay("b") == "a"

    def test_it_is_refused_while_another_job_has_the_key_and_the_holder_is_named(self, bench):
        bench.delay("b")

        with pytest.raises(LetterError, match=r"shop\.tasks\.ship\[a\] cannot be replayed now: job b holds"):
            bench.delay("a", replayed=True)
        assert bench.waiting == ["b"]

    def test_it_may_be_repeated(self, bench):
        bench.delay("a", replayed=True)

        assert bench.delay("a", replayed=True) == "a"
