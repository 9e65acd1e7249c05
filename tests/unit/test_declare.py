from __future__ import annotations

import asyncio
import inspect
from itertools import count

import pytest
from hypothesis import strategies as st

from property_tests import given, settings
from tasks_platform import bases
from tasks_platform.bases import ProgressTask, ReliableTask, UniqueTask
from tasks_platform.celery import create_app
from tasks_platform.errors import PayloadError, TaskDefinitionError
from tasks_platform.policies import ORDER, DeadLetters, Deadline, Once, Progress, Retry, Unique
from tasks_platform.policy import Policy, current_run
from tasks_platform.queues import Priority
from tasks_platform.settings import Settings
from tasks_platform.task import PlatformTask, task

NUMBERS = count(1)
POLICIES = [Deadline(soft=5), Unique(by="order_id"), DeadLetters(), Retry(max_attempts=7), Once(), Progress()]


@pytest.fixture(scope="module", autouse=True)
def app():
    """Assemble an application whose server nobody listens at: declaring a task and calling it needs none."""
    with create_app(Settings(redis_url="redis://127.0.0.1:1/0", business=False)) as app:
        yield app


def declared(*policies, function=None, **options):
    """Declare a task of a name of its own."""

    def ship(order_id: int, note: str = "") -> str:
        return f"{order_id}{note}"

    options = {"base": PlatformTask, "name": f"shop.tasks.ship_{next(NUMBERS)}", **options}
    return task(*policies, **options)(function or ship)


def kinds(declared_task):
    return [type(policy) for policy in declared_task.policies]


class TestPolicies:
    @settings(max_examples=20)
    @given(policies=st.permutations(POLICIES), split=st.integers(0, len(POLICIES)))
    def test_their_order_is_not_the_authors_business(self, policies, split):
        class Base(PlatformTask):
            abstract = True

        Base.policies = tuple(policies[:split])
        assert kinds(declared(*policies[split:], base=Base)) == list(ORDER)

    def test_one_given_on_a_task_replaces_the_one_of_its_base(self):
        chosen = declared(Retry(max_attempts=8), base=ReliableTask).policies

        assert chosen == (DeadLetters(), Retry(max_attempts=8))

    def test_one_given_on_a_task_is_added_to_those_of_its_base(self):
        assert kinds(declared(Progress(), Deadline(soft=5), base=ReliableTask)) == [
            Deadline,
            DeadLetters,
            Retry,
            Progress,
        ]

    def test_a_base_is_not_changed_by_its_tasks(self):
        before = ReliableTask.policies
        declared(Retry(max_attempts=8), Progress(), base=ReliableTask)

        assert ReliableTask.policies == before

    def test_one_that_the_platform_does_not_know_is_refused_with_the_list(self):
        class Audit(Policy):
            pass

        with pytest.raises(
            TaskDefinitionError, match=r"shop\.tasks\.\w+: 'Audit' is no policy; there are Deadline, Uniq"
        ):
            declared(Audit())

    def test_a_key_of_a_misspelt_parameter_is_refused_at_import(self):
        with pytest.raises(
            TaskDefinitionError, match=r"Unique\(by='oder_id'\) is no parameter; did you mean 'order_id'"
        ):
            declared(Unique(by="oder_id"))

    def test_a_bound_task_has_no_key_of_its_first_parameter(self):
        def ship(self, order_id: int) -> None: ...

        with pytest.raises(TaskDefinitionError, match="by='self'"):
            declared(Unique(by="self"), function=ship, bind=True)

    def test_limits_of_time_become_options_that_the_worker_enforces(self):
        limited = declared(Deadline(soft=5, hard=10))

        assert (limited.soft_time_limit, limited.time_limit) == (5, 10)


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"max_retires": 5}, "there is no task option 'max_retires'; did you mean 'max_retries'"),
        ({"prority": "high"}, "did you mean 'priority'"),
        ({"que": "email"}, "did you mean 'queue'"),
        ({"ignore_results": True}, "did you mean 'ignore_result'"),
        ({"zzz": 1}, "there is no task option 'zzz'$"),
        ({"priority": "hgih"}, "'hgih' is no priority; the levels are critical, high, normal, low, bulk"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_at_import_with_what_was_meant(options, hint):
    with pytest.raises(TaskDefinitionError, match=hint) as caught:
        declared(**options)
    assert str(caught.value).startswith("shop.tasks.ship_")


def test_an_annotation_that_json_cannot_carry_is_refused_at_import():
    def ship(order: object, sender: inspect.Signature) -> None: ...

    with pytest.raises(TaskDefinitionError, match="Signature"):
        declared(function=ship)


@pytest.mark.checklist(38)
def test_a_task_has_a_home_a_level_and_a_result_if_it_says_so():
    def silent(order_id: int) -> None: ...

    telling, quiet = declared(queue="email", priority="high"), declared(function=silent)

    assert (telling.home_queue, telling.level, telling.ignore_result) == ("email", Priority.HIGH, False)
    assert (quiet.home_queue, quiet.level, quiet.ignore_result) == (None, Priority.NORMAL, True)


def test_whether_a_result_is_kept_may_be_overruled():
    assert declared(ignore_result=True).ignore_result is True


def test_a_task_takes_its_name_from_its_function():
    @task(base=PlatformTask)
    def ship_it() -> None: ...

    assert ship_it.name == f"{__name__}.ship_it"


class TestDirectCall:
    def test_it_runs_the_bare_function(self):
        everything = declared(*POLICIES)

        assert everything(7, note="!") == "7!"

    def test_it_neither_checks_nor_converts(self):
        assert declared()("seven") == "seven"

    def test_it_raises_what_the_function_raises(self):
        def ship(order_id: int) -> None:
            raise ZeroDivisionError(order_id)

        with pytest.raises(ZeroDivisionError):
            declared(function=ship, base=ReliableTask)(7)

    def test_it_has_no_run(self):
        def ship() -> str:
            return current_run().job_id

        with pytest.raises(LookupError, match="called directly"):
            declared(function=ship)()

    def test_a_bound_task_gets_itself(self):
        def ship(self, order_id: int) -> tuple[str, int]:
            return self.name, order_id

        bound = declared(function=ship, bind=True)
        assert bound(7) == (bound.name, 7)


class TestSending:
    """What is refused in the caller's process, before anything is sent."""

    @pytest.mark.checklist(4)
    def test_a_wrong_call_is_refused_by_parameter(self):
        with pytest.raises(PayloadError, match="order_id: Input should be a valid integer"):
            declared().delay("seven")

    @pytest.mark.parametrize(
        "build", [lambda t: t.s(1, 2, 3), lambda t: t.si(number=1), lambda t: t.signature((1, 2, 3))]
    )
    def test_a_signature_that_no_call_could_have_is_refused_where_it_is_built(self, build):
        with pytest.raises(PayloadError, match=r"shop\.tasks\.ship_\d+\(order_id"):
            build(declared())

    def test_a_signature_may_be_partial_and_takes_options(self):
        signature = declared().s().set(countdown=60, priority=1)

        assert (signature.args, signature.options["countdown"], signature.options["priority"]) == ((), 60, 1)

    def test_a_priority_that_does_not_exist_is_refused(self):
        with pytest.raises(ValueError, match="'urgent' is no priority"):
            declared().apply_async((7,), priority="urgent")


class TestBaseClasses:
    @pytest.mark.parametrize("base", [ReliableTask, UniqueTask, ProgressTask])
    def test_they_hold_no_code(self, base):
        assert not [name for name, value in vars(base).items() if callable(value) or isinstance(value, property)]

    def test_there_are_no_others(self):
        found = {
            name for name, value in vars(bases).items() if inspect.isclass(value) and value.__module__ == bases.__name__
        }

        assert found == {"ReliableTask", "UniqueTask", "ProgressTask"}

    @pytest.mark.parametrize(
        ("base", "expected"),
        [
            (ReliableTask, [DeadLetters, Retry]),
            (UniqueTask, [Unique, DeadLetters, Retry]),
            (ProgressTask, [DeadLetters, Retry, Progress]),
        ],
    )
    def test_each_is_a_bundle_of_policies(self, base, expected):
        assert kinds(declared(base=base)) == expected


@pytest.mark.parametrize(
    ("policies", "options", "words"),
    [
        ((Retry,), {}, r"write Retry\(\), with parentheses"),
        ((), {"max_retries": 7}, r"use Retry\(max_attempts"),
        ((), {"autoretry_for": (OSError,)}, r"use Retry\(on=\.\.\.\)"),
        ((), {"acks_late": False}, "acknowledged when its run is settled"),
        ((), {"delay": 5}, "there is no task option 'delay'"),
        ((), {"priority": 3}, "3.*the levels are critical"),
    ],
)
def test_what_contradicts_the_policies_is_refused_and_says_what_to_write(policies, options, words):
    with pytest.raises(TaskDefinitionError, match=words):
        declared(*policies, **options)


def test_an_async_function_stays_one_when_it_is_called_and_its_task_knows_what_it_returns():
    async def fetch(url: str) -> int:
        await asyncio.sleep(0)
        return len(url)

    fetching = declared(function=fetch)
    assert asyncio.run(fetching("abc")) == 3
    assert (fetching.is_async, fetching.payload.has_result, declared().is_async) == (True, True, False)


def test_an_async_function_that_yields_is_refused():
    async def rows():
        yield 1

    with pytest.raises(TaskDefinitionError, match="has no one result"):
        declared(function=rows)
