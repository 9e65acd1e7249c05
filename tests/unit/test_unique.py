from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from runs import TASK, Bench, BrokenQueue, Clock, a_run, decide, fails, succeeds
from tasks_platform.errors import Cancel, Hold, PayloadError, TaskDefinitionError
from tasks_platform.policies import DeadLetters, Retry, Unique
from tasks_platform.store import MemoryStore


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


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
