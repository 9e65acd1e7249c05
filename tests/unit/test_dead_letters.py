from __future__ import annotations

import json
import types
from datetime import UTC, datetime, timedelta

import pytest

from runs import TASK, Bench, a_run, decide
from tasks_platform.errors import PermanentError, TryAgain
from tasks_platform.policies import DeadLetters, Retry
from tasks_platform.policies.dead_letters import SCHEMA, fingerprint, raising_line
from tasks_platform.policy import Policy, Verdict
from tasks_platform.store import MemoryStore

POLICIES = (DeadLetters(), Retry(max_attempts=3, backoff="fixed", base=2.0, jitter=False))


class GatewayError(Exception):
    pass


def charge(amount: int) -> None:
    if amount > 100:
        raise GatewayError(f"{amount} is too much")
    raise GatewayError(f"{amount} is refused")


def error_of(amount: int) -> Exception:
    """Return the error of a call, as it was raised: with its traceback."""
    with pytest.raises(GatewayError) as caught:
        charge(amount)
    return caught.value


@pytest.mark.checklist(31, 33)
def test_a_letter_is_written_when_no_attempt_is_left_with_all_it_takes_to_run_the_job_again():
    store = MemoryStore()
    before = datetime.now(UTC)
    for attempt in (1, 2, 3):
        assert store.count_letters() == 0
        run = a_run(store, attempt=attempt, kwargs={"amount": 50 + attempt}, headers={"tenant": "acme", "flow": "f-1"})
        decide(POLICIES, run, error_of(50 + attempt))

    letter = store.letter("job-1")
    assert letter is not None
    attempts, died_at, text = letter.pop("attempts"), letter.pop("died_at"), letter.pop("traceback")
    assert before.timestamp() <= died_at <= datetime.now(UTC).timestamp()
    assert text.startswith("Traceback")
    assert text.endswith("test_dead_letters.GatewayError: 53 is refused\n")
    line = letter["cause"].pop("line")
    assert letter == {
        "schema": SCHEMA,
        "id": "job-1",
        "task": TASK,
        "queue": None,
        "state": "dead",
        "tenant": "acme",
        "flow": "f-1",
        "message": run.message(),
        "cause": {"type": f"{__name__}.GatewayError", "message": "53 is refused"},
        "fingerprint": fingerprint(TASK, error_of(53), line),
        "version": 1,
        "replayed_at": None,
        "begun": 0,
        "put_back": 0,
    }
    assert [(one["attempt"], one["error"]["message"], one["worker"]) for one in attempts] == [
        (1, "51 is refused", "celery@box"),
        (2, "52 is refused", "celery@box"),
        (3, "53 is refused", "celery@box"),
    ]


def test_an_attempt_says_when_it_began_and_when_it_failed():
    began = datetime.now(UTC) - timedelta(minutes=5)
    run = a_run(started_at=began)
    decide(POLICIES, run, GatewayError())

    (attempt,) = run.store.attempts("job-1")
    assert datetime.fromisoformat(attempt["started_at"]) == began
    assert began + timedelta(minutes=5) <= datetime.fromisoformat(attempt["failed_at"]) <= datetime.now(UTC)


@pytest.mark.checklist(30)
def test_a_permanent_error_is_a_letter_after_one_attempt_and_an_unknown_one_after_max_attempts():
    bench = Bench(POLICIES)
    for job, error in (("wrong", PermanentError("no such customer")), ("odd", GatewayError())):
        bench.delay(job)
        while bench.queue:
            run = bench.take()
            bench.fail(run, error)

    assert {letter["id"]: len(letter["attempts"]) for letter in bench.store.letters()} == {"wrong": 1, "odd": 3}


@pytest.mark.parametrize(
    ("rule", "parked", "state"), [("park", True, "parked"), ("fail", False, "dead"), (None, False, "dead")]
)
def test_inside_a_flow_that_parks_the_job_is_parked(rule, parked, state):
    run = a_run(headers={"flow": "f-1", **({"rule": rule} if rule else {})})

    assert decide(POLICIES, run, PermanentError()) == Verdict(parked=parked)
    assert run.store.letter("job-1")["state"] == state


def test_a_job_that_has_another_attempt_is_not_parked():
    assert decide(POLICIES, a_run(headers={"flow": "f-1", "rule": "park"}), GatewayError()) == Verdict(again_in=2.0)


def test_the_first_verdict_stands_for_whoever_hears_of_the_run_again():
    store = MemoryStore()
    in_the_child = decide(POLICIES, a_run(store), GatewayError())
    in_the_main_process = decide(POLICIES, a_run(store), PermanentError("the child died after it had decided"))

    assert in_the_main_process == in_the_child == Verdict(again_in=2.0)
    assert (len(store.attempts("job-1")), store.count_letters()) == (1, 0)


def test_a_burial_that_is_heard_of_twice_is_one_letter():
    store = MemoryStore()
    for error in (PermanentError("first"), PermanentError("second")):
        decide(POLICIES, a_run(store), error)

    (letter,) = store.letters()
    assert (letter["cause"]["message"], letter["version"]) == ("first", 1)


@pytest.mark.checklist(36)
def test_a_replay_that_fails_again_is_the_same_letter_with_one_more_attempt():
    store = MemoryStore()
    decide(POLICIES, a_run(store), PermanentError("before the fix"))
    decide(POLICIES, a_run(store, attempt=2, headers={"letter": True}), PermanentError("after the fix"))

    (letter,) = store.letters()
    assert [attempt["error"]["message"] for attempt in letter["attempts"]] == ["before the fix", "after the fix"]
    assert (letter["cause"]["message"], letter["version"]) == ("after the fix", 2)


def test_what_a_task_asked_for_is_told_by_its_cause():
    run = a_run(attempt=3)
    decide(POLICIES, run, TryAgain(5.0, GatewayError("the gateway is down")))

    assert run.store.letter("job-1")["cause"]["type"] == f"{__name__}.GatewayError"


class TestFingerprint:
    def test_letters_of_one_bug_share_it_whatever_the_arguments(self):
        assert self.of(error_of(1)) == self.of(error_of(2))

    def test_another_line_is_another_bug(self):
        assert self.of(error_of(1)) != self.of(error_of(101))

    def test_another_type_is_another_bug(self):
        error = error_of(1)
        other = KeyError("a").with_traceback(error.__traceback__)

        assert self.of(error) != self.of(other)

    def test_another_task_is_another_bug(self):
        error = error_of(1)

        assert self.of(error) != self.of(error, task="shop.tasks.refund")

    @staticmethod
    def of(error, task=TASK):
        run = a_run(task=task)
        decide((DeadLetters(),), run, error)
        return run.store.letter("job-1")["fingerprint"]


def raised_in(module: str) -> Exception:
    """Return an error whose innermost frame is in *module*, called from this one."""
    namespace = types.ModuleType(module).__dict__
    exec("def call(): raise ValueError('here')", namespace)
    with pytest.raises(ValueError, match="here") as caught:
        namespace["call"]()
    return caught.value


@pytest.mark.parametrize(
    "module", ["shop.tasks", "celeryapp.tasks", "celery_app", "billiards", "tasks_platform.tasks.email"]
)
def test_the_line_of_a_bug_is_in_the_innermost_code_that_is_not_the_machinery(module):
    assert raising_line(raised_in(module)) == f"{module}:1 in call"


@pytest.mark.parametrize(
    "module",
    ["celery", "celery.app.trace", "billiard.pool", "tasks_platform.task.running", "tasks_platform.policies.retry"],
)
def test_the_machinery_is_never_the_line_of_a_bug(module):
    assert raising_line(raised_in(module)).startswith(f"{__name__}:")


def test_an_error_without_a_traceback_has_no_line():
    assert raising_line(GatewayError("lost")) == ""


class MuteError(Exception):
    """As of errors whose author forgot an attribute."""

    def __str__(self) -> str:
        return self.message


@pytest.mark.parametrize(
    "error",
    [
        MuteError(),
        GatewayError("x" * 100_000),
        GatewayError("\ud800"),
        GatewayError(object()),
        ExceptionGroup("two", [KeyError(1)]),
    ],
)
def test_whatever_an_error_says_its_letter_is_written_and_stays_small(error):
    run = a_run()
    decide((DeadLetters(),), run, error)

    assert len(json.dumps(run.store.letter("job-1"))) < 40_000


def test_an_error_that_cannot_speak_says_so():
    run = a_run()
    decide((DeadLetters(),), run, MuteError())

    assert run.store.letter("job-1")["cause"]["message"] == "(its message cannot be shown: AttributeError)"


def dig(depth: int) -> None:
    if not depth:
        raise GatewayError("bottom")
    dig_on(depth)


def dig_on(depth: int) -> None:
    dig(depth - 1)


def test_of_a_long_traceback_the_end_is_kept_for_that_is_where_the_bug_is():
    with pytest.raises(GatewayError) as caught:
        dig(200)
    run = a_run()
    decide((DeadLetters(),), run, caught.value)

    text = run.store.letter("job-1")["traceback"]
    assert len(text) == 20_000
    assert text.endswith("GatewayError: bottom\n")


def test_policies_further_in_are_asked_first():
    asked = []

    class Inner(Policy):
        def failed(self, run, error, proceed):
            asked.append(run.store.attempts("job-1"))
            return proceed()

    decide((DeadLetters(), Inner()), a_run(), GatewayError())

    assert asked == [[]]
