from __future__ import annotations

import pytest

from runs import Bench, a_run, decide
from tasks_platform import policies
from tasks_platform.errors import Hold, PermanentError
from tasks_platform.policies import ORDER, DeadLetters, Deadline, Once, Progress, Retry, Unique
from tasks_platform.policy import Policy, Verdict, overriding, wrap
from tasks_platform.store import MemoryStore


def traced(name: str, trace: list[str]) -> Policy:
    class Traced(Policy):
        def execute(self, run, proceed):
            trace.append(f"{name} before")
            result = proceed()
            trace.append(f"{name} after")
            return result

    return Traced()


def test_every_policy_has_one_place_in_the_order():
    found = {kind for kind in vars(policies).values() if isinstance(kind, type) and issubclass(kind, Policy)} - {Policy}

    assert len(ORDER) == len(set(ORDER))
    assert set(ORDER) == found


def test_the_first_is_outermost():
    trace: list[str] = []
    run = wrap(
        "execute", (traced("one", trace), traced("two", trace)), a_run(), innermost=lambda: trace.append("function")
    )
    run()

    assert trace == ["one before", "two before", "function", "two after", "one after"]


def test_without_policies_only_the_function_is_left():
    def function() -> str:
        return "done"

    assert wrap("execute", (), a_run(), innermost=function) is function


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("publish", [Deadline, Unique]),
        ("execute", [Unique, Once, Progress]),
        ("failed", [Unique, DeadLetters, Retry, Once]),
    ],
)
def test_a_moment_costs_only_the_policies_that_care_about_it(moment, expected):
    everything = [kind() for kind in ORDER]

    assert [type(policy) for policy in overriding(moment, everything)] == expected


def test_a_policy_that_cares_about_nothing_proceeds():
    policy, run = Policy(), a_run()

    assert policy.execute(run, lambda: "result") == "result"
    assert policy.failed(run, ValueError(), lambda: Verdict(again_in=1.0)) == Verdict(again_in=1.0)
    assert policy.options == {}


class BrokenStore(MemoryStore):
    def decide(self, *_):
        raise ConnectionError("the store is away")


def test_a_unique_key_is_given_back_only_when_the_verdict_stands():
    bench = Bench((Retry(max_attempts=1), DeadLetters(), Unique()), BrokenStore())
    bench.delay("a")
    run = bench.take()

    with pytest.raises(ConnectionError):
        decide(bench.policies, run, PermanentError())
    assert bench.delay("b") == "a"


def test_a_follower_does_not_touch_what_is_further_in():
    bench = Bench((Progress(), Once(), Unique()))
    bench.delay("a")
    bench.delay("b", awaited=True)
    bench.take()
    follower = bench.work()

    assert follower.notes == {}


def test_a_run_that_is_held_gives_no_verdict():
    def hold(**_):
        raise Hold(5.0, "the limit is reached")

    bench = Bench((DeadLetters(), Retry(), Unique()))
    bench.delay("a")
    bench.work(hold)

    assert (bench.waiting, bench.store.attempts("a")) == (["a"], [])
