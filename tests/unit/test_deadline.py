from __future__ import annotations

from datetime import timedelta

import pytest

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.policies import Deadline
from tasks_platform.policy import Message, Outcome
from tasks_platform.store import MemoryStore


def sent_with(policy: Deadline, **options) -> dict:
    """Return the sending options after *policy* has had its say."""
    message = Message(
        task="shop.tasks.ship",
        job_id="job-1",
        args=(),
        kwargs={},
        arguments=dict,
        options=options,
        awaited=False,
        replayed=False,
        handle=str,
        outcome=Outcome(),
        store=MemoryStore(),
    )
    assert policy.publish(message, lambda: "handle") == "handle"
    return message.options


@pytest.mark.parametrize(
    ("declared", "chosen", "expected"),
    [
        (60.0, {}, {"expires": 60.0}),
        (timedelta(hours=1), {}, {"expires": 3600.0}),
        (60.0, {"expires": 5}, {"expires": 5}),
        (60.0, {"expires": None}, {"expires": 60.0}),
        (None, {}, {}),
        (None, {"expires": 5}, {"expires": 5}),
    ],
)
def test_a_job_expires_as_declared_unless_its_caller_chose_otherwise(declared, chosen, expected):
    assert sent_with(Deadline(expires=declared), **chosen) == expected


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Deadline(), {}),
        (Deadline(soft=10, hard=20), {"soft_time_limit": 10, "time_limit": 20}),
        (Deadline(soft=timedelta(minutes=5)), {"soft_time_limit": 300.0}),
        (Deadline(hard=timedelta(seconds=30)), {"time_limit": 30.0}),
        (Deadline(expires=5), {}),
    ],
)
def test_limits_are_enforced_by_the_worker_in_seconds(policy, expected):
    assert dict(policy.options) == expected


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"expires": 0}, r"Deadline\(expires=0\): it has to be positive"),
        ({"soft": -1.0}, r"Deadline\(soft=-1\.0\): it has to be positive"),
        ({"hard": timedelta(0)}, r"Deadline\(hard=0:00:00\): it has to be positive"),
        ({"hard": float("nan")}, "positive"),
        ({"soft": 20, "hard": 10}, "the soft limit has to come first"),
        ({"soft": 20, "hard": 20}, "the soft limit has to come first"),
        ({"soft": timedelta(minutes=1), "hard": 59.9}, "the soft limit has to come first"),
    ],
)
def test_limits_that_contradict_each_other_are_refused_when_they_are_written(options, hint):
    with pytest.raises(TaskDefinitionError, match=hint):
        Deadline(**options)


def test_a_misspelt_limit_is_refused():
    with pytest.raises(TypeError, match="timeout"):
        Deadline(timeout=30)  # type: ignore[call-arg]
