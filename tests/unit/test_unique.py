from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from runs import TASK, Bench, a_run, decide
from tasks_platform.errors import Cancel, FollowedJobFailedError, Hold, LetterError, PayloadError, TaskDefinitionError
from tasks_platform.policies import DeadLetters, Retry, Unique
from tasks_platform.store import MemoryStore


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


class BrokenQueue(deque):
    def append(self, _):
        raise ConnectionError("no broker")


def fails(**_):
    raise ConnectionError("the mail server is down")


def succeeds(**_):
    return "sent"


@pytest.mark.checklist(57)
def test_a_duplicate_sends_nothing_and_gets_the_handle_of_the_job_that_waits():
    bench = Bench((Unique(by="order_id"),))

    assert [bench.delay(job, order_id=7) for job in ("a", "b", "c")] == ["a", "a", "a"]
    assert bench.waiting == ["a"]


@pytest.mark.parametrize(
    ("by", "same", "other"),
    [
        (None, {"order_id": 7, "note": "x"}, {"order_id": 7, "note": "y"}),
        ("order_id", {"order_id": 7, "note": "y"}, {"order_id": 8, "note": "x"}),
        (("order_id", "note"), {"order_id": 7, "note": "x"}, {"order_id": 7, "note": "y"}),
        (lambda order_id, note: order_id % 10, {"order_id": 17, "note": "y"}, {"order_id": 8, "note": "x"}),
        ((), {"order_id": 8, "note": "y"}, None),
    ],
)
def test_the_key_is_made_of_what_by_names(by, same, other):
    bench = Bench((Unique(by=by),))

    bench.delay("first", order_id=7, note="x")
    assert bench.delay("duplicate", **same) == "first"
    if other is not None:
        assert bench.delay("another", **other) == "another"


def test_two_tasks_with_the_same_arguments_do_not_share_a_key():
    assert Unique().key("shop.ship", {"order_id": 7}) != Unique().key("shop.bill", {"order_id": 7})


def test_the_key_does_not_depend_on_the_order_of_the_arguments():
    assert Unique().key(TASK, {"a": 1, "b": {"c": 2, "d": 3}}) == Unique().key(TASK, {"b": {"d": 3, "c": 2}, "a": 1})


class TestUntilDone:
    @pytest.fixture
    def bench(self, store):
        return Bench((Unique(), DeadLetters(), Retry(max_attempts=2)), store)

    def test_the_key_is_free_after_success(self, bench):
        bench.delay("a")
        bench.work(succeeds)

        assert bench.delay("b") == "b"

    def test_the_key_is_held_while_the_job_runs(self, bench):
        bench.delay("a")
        bench.work(lambda: bench.delay("b"))

        assert bench.ended == {"a": "a"}
        assert bench.waiting == []

    def test_the_key_stays_through_retry_and_is_free_after_burial(self, bench):
        bench.delay("a")
        bench.work(fails)
        assert bench.delay("b") == "a"

        bench.work(fails)
        assert bench.delay("c") == "c"

    def test_the_key_stays_while_the_job_is_held(self, bench):
        def hold():
            raise Hold(5.0, "the limit is reached")

        bench.delay("a")
        bench.work(hold)

        assert bench.delay("b") == "a"
        assert bench.waiting == ["a"]

    def test_the_key_stays_through_redelivery(self, bench):
        bench.delay("a")
        bench.redeliver(bench.take())

        assert bench.delay("b") == "a"
        bench.work(succeeds)
        assert (bench.ended, bench.delay("c")) == ({"a": "sent"}, "c")

    def test_the_key_is_free_after_cancellation(self, bench):
        def cancel():
            raise Cancel("the order was withdrawn")

        bench.delay("a")
        bench.work(cancel)

        assert bench.delay("b") == "b"

    def test_the_key_is_free_when_a_job_that_never_ran_is_cancelled(self, bench):
        bench.delay("a")
        bench.cancel(bench.take(), "expired")

        assert bench.delay("b") == "b"

    def test_the_key_is_free_when_the_message_could_not_be_sent(self, bench):
        working, bench.queue = bench.queue, BrokenQueue()
        with pytest.raises(ConnectionError):
            bench.delay("a")
        bench.queue = working

        assert bench.delay("b") == "b"

    def test_those_that_followed_a_job_whose_message_could_not_be_sent_run_themselves(self, bench):
        working = bench.queue

        class SlowlyBroken(BrokenQueue):
            def append(self, job):
                bench.queue = working
                bench.delay("b", awaited=True)
                bench.work(lambda: pytest.fail("a follower runs"))
                super().append(job)

        bench.queue = SlowlyBroken()
        with pytest.raises(ConnectionError):
            bench.delay("a")
        bench.work(succeeds)

        assert bench.ended == {"b": "sent"}

    def test_a_caller_that_dies_before_it_could_send_blocks_the_key_for_half_a_minute(self, bench, clock):
        bench.queue = BrokenQueue()
        bench.store.release = lambda *_, **__: {}  # it dies before it could give it back
        with pytest.raises(ConnectionError):
            bench.delay("a")
        bench.queue = deque()
        assert bench.delay("b") == "a"

        clock.now += 31
        assert bench.delay("b") == "b"

    def test_a_failed_run_that_is_heard_of_twice_does_not_free_the_key_of_the_next_job(self, bench):
        bench.delay("a")
        run = bench.take()
        for _ in range(2):
            decide(bench.policies, a_run(bench.store, job_id="a", attempt=2), ConnectionError())
            assert bench.delay("b") == "b"
        assert run.job_id == "a"

    def test_a_key_whose_job_was_lost_is_free_after_a_while(self, bench, clock):
        bench.delay("a")
        clock.now += 86400 - 1
        assert bench.delay("b") == "a"

        clock.now += 2
        assert bench.delay("c") == "c"

    @pytest.mark.parametrize("due", [{"countdown": 3 * 86400}, {"eta": datetime.now(UTC) + timedelta(days=3)}])
    def test_a_job_that_is_due_later_is_not_lost(self, bench, clock, due):
        bench.delay("a", options=due)
        clock.now += 3.5 * 86400
        assert bench.delay("b") == "a"

        clock.now += 86400
        assert bench.delay("c") == "c"

    def test_a_run_is_a_sign_of_its_job(self, bench, clock):
        bench.delay("a")
        clock.now += 86400 - 1
        bench.work(fails)
        clock.now += 86400 - 1

        assert bench.delay("b") == "a"

    def test_a_job_that_lost_its_key_follows_the_one_that_has_it(self, bench, clock):
        bench.delay("a")
        clock.now += 86400 + 1
        bench.delay("b")
        bench.work(lambda: pytest.fail("two jobs of one key run"))

        bench.work(succeeds)
        bench.work(lambda: pytest.fail("a follower runs"))
        assert bench.ended == {"a": "sent", "b": "sent"}


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


@pytest.mark.parametrize("moment", ["failed", "cancelled"])
def test_a_job_whose_arguments_do_not_fit_ends_like_any_other(moment):
    def refuse():
        raise PayloadError("shop.tasks.ship(order_id): missing a required argument: 'order_id'")

    run = a_run(arguments=refuse)
    policy = Unique(by="order_id")
    if moment == "failed":
        assert decide((policy, Retry()), run, PayloadError()).final
    else:
        policy.cancelled(run, "revoked")
    with pytest.raises(PayloadError):
        policy.execute(run, lambda: None)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"until": "finished"}, "done or started"),
        ({"until": "started", "period": 60.0}, "contradict"),
        ({"period": 0}, "positive"),
        ({"period": timedelta(seconds=-1)}, "positive"),
        ({"forgotten_after": 0}, "positive"),
        ({"by": ["order_id"]}, "a name, a tuple of names, or a function"),
        ({"by": 7}, "a name, a tuple of names, or a function"),
    ],
)
def test_an_option_that_cannot_work_is_refused_when_it_is_written(options, hint):
    with pytest.raises(TaskDefinitionError, match=hint):
        Unique(**options)


@pytest.mark.parametrize(
    ("by", "hint"),
    [
        ("oder_id", "shop.tasks.ship: Unique.by='oder_id'. is no parameter; did you mean 'order_id'?"),
        (("order_id", "nots"), "by='nots'.*did you mean 'note'"),
        ("customer", "by='customer'. is no parameter; it has order_id, note"),
        (lambda order: order, "order_id, note by name: got an unexpected keyword|missing"),
        (lambda order_id: order_id, "called with order_id, note by name"),
    ],
)
def test_a_key_of_what_the_task_does_not_have_is_refused_by_name(by, hint):
    with pytest.raises(TaskDefinitionError, match=hint):
        Unique(by=by).check(TASK, ("order_id", "note"))


@pytest.mark.parametrize(
    "by", [None, "note", ("note", "order_id"), lambda order_id, **_: order_id, lambda **arguments: arguments]
)
def test_a_key_of_what_the_task_has_is_accepted(by):
    Unique(by=by).check(TASK, ("order_id", "note"))
