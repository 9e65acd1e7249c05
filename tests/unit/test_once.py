from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from runs import Bench, Clock, a_run, decide
from tasks_platform import Sealed
from tasks_platform.errors import Hold, PermanentError, TaskDefinitionError
from tasks_platform.payload import Payload
from tasks_platform.policies import DeadLetters, Once, Retry
from tasks_platform.policy import Kind, classify, current_run
from tasks_platform.sealing import KeyRing, is_envelope, new_key
from tasks_platform.store import MemoryStore


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


class Gateway:
    """What must not be charged twice."""

    def __init__(self) -> None:
        self.charges: list[int] = []

    def charge(self, amount: int) -> dict[str, int]:
        self.charges.append(amount)
        return {"receipt": len(self.charges)}


def mint() -> Sealed[str]: ...


def begun(run, **options):
    """Give *run* its ``once``, as a worker's child does."""
    Once(**options).execute(run, lambda: None)
    return run


def test_a_step_happens_once_across_the_attempts_of_a_job_and_its_result_is_remembered(store):
    gateway, results = Gateway(), []

    def buy():
        results.append(current_run().once("charge", lambda: gateway.charge(100)))
        if current_run().attempt < 3:
            raise ConnectionError("the mail server is down")
        return "bought"

    bench = Bench((Once(), Retry()), store)
    bench.delay("job-1")
    while bench.queue:
        bench.work(buy)

    assert bench.ended == {"job-1": "bought"}
    assert (gateway.charges, results) == ([100], [{"receipt": 1}] * 3)


def test_steps_are_told_apart_by_name_and_by_job(store):
    gateway = Gateway()
    for job_id in ("job-1", "job-2"):
        run = begun(a_run(store, job_id=job_id))
        for step in ("deposit", "rest", "deposit"):
            run.once(step, lambda: gateway.charge(1))

    assert len(gateway.charges) == 4


def test_a_step_that_failed_happens_in_the_next_attempt_at_once(store):
    gateway = Gateway()

    def unreliable():
        if current_run().attempt == 1:
            raise ConnectionError("the gateway is down")
        return gateway.charge(100)

    bench = Bench((Once(), Retry(), DeadLetters()), store)
    bench.delay("job-1")
    bench.work(lambda: current_run().once("charge", unreliable))
    bench.work(lambda: current_run().once("charge", unreliable))

    assert bench.ended == {"job-1": {"receipt": 1}}


def test_a_step_that_failed_may_be_tried_again_in_the_same_run(store):
    run, answers = begun(a_run(store)), iter([ConnectionError("down"), None])

    def unreliable():
        if (error := next(answers)) is not None:
            raise error
        return "charged"

    with pytest.raises(ConnectionError):
        run.once("charge", unreliable)
    assert run.once("charge", unreliable) == "charged"


def test_two_runs_of_one_job_are_never_at_one_step_together(store):
    first, second = begun(a_run(store)), begun(a_run(store), poll=7.0)

    def meanwhile():
        with pytest.raises(Hold, match="another run of this job is at its step 'charge'") as held:
            second.once("charge", lambda: pytest.fail("charged twice"))
        assert held.value.delay == 7.0
        return "charged"

    assert first.once("charge", meanwhile) == "charged"
    assert second.once("charge", lambda: pytest.fail("charged twice")) == "charged"


def test_a_run_that_vanished_blocks_its_step_until_its_lease_runs_out(store, clock):
    vanished = begun(a_run(store), lease=120.0)
    store.begin_step("job-1", "charge", "1:vanished", 120.0)
    clock.now += 119
    with pytest.raises(Hold):
        vanished.once("charge", lambda: None)

    clock.now += 2
    assert vanished.once("charge", lambda: "charged") == "charged"


def test_the_step_of_a_process_that_is_known_to_be_dead_is_free_at_once(store):
    store.begin_step("job-1", "charge", "1:killed", 120.0)
    in_the_main_process = a_run(store)
    decide((Once(), Retry()), in_the_main_process, ConnectionError("the child died"))

    assert begun(a_run(store, attempt=2)).once("charge", lambda: "charged") == "charged"


def test_a_failed_run_does_not_free_the_step_that_another_run_is_at(store):
    delivered_twice = begun(a_run(store))
    store.begin_step("job-1", "charge", "1:the-other", 120.0)
    decide((Once(), Retry()), delivered_twice, ConnectionError("something else"))
    decide((Once(), Retry()), a_run(store, attempt=11), ConnectionError("heard of late"))

    with pytest.raises(Hold):
        begun(a_run(store, attempt=2)).once("charge", lambda: pytest.fail("charged twice"))


@pytest.mark.parametrize(
    ("returned", "remembered"),
    [
        (None, None),
        ("paid", "paid"),
        ({"receipt": 7}, {"receipt": 7}),
        (Decimal("1.50"), "1.50"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (date(2026, 10, 1), "2026-10-01"),
        ((1, 2), [1, 2]),
    ],
)
def test_what_a_step_returned_looks_alike_in_every_attempt(store, returned, remembered):
    first = begun(a_run(store)).once("charge", lambda: returned)
    second = begun(a_run(store, attempt=2)).once("charge", lambda: pytest.fail("charged twice"))

    assert first == second == remembered


def test_a_step_whose_result_cannot_be_remembered_does_not_happen_again(store):
    gateway = Gateway()

    def charge():
        gateway.charge(100)
        return object()

    with pytest.raises(PermanentError, match="step 'charge' happened and will not happen again") as caught:
        begun(a_run(store)).once("charge", charge)
    assert classify(caught.value) is Kind.PERMANENT
    assert begun(a_run(store, attempt=2)).once("charge", charge) is None
    assert gateway.charges == [100]


def test_what_happened_is_forgotten_after_a_while(store, clock):
    begun(a_run(store), kept=60.0).once("charge", lambda: "first")
    clock.now += 61

    assert begun(a_run(store, attempt=2)).once("charge", lambda: "second") == "second"


def test_what_happened_is_kept_as_long_as_the_dead_letter(store, clock):
    run = begun(a_run(store), kept=60.0)
    run.once("charge", lambda: "first")
    decide((DeadLetters(), Once()), run, PermanentError("the rest failed"))
    clock.now += 365 * 86400

    replayed = begun(a_run(store, attempt=2))
    assert replayed.once("charge", lambda: pytest.fail("charged twice")) == "first"


def test_a_task_that_uses_once_has_to_declare_it():
    with pytest.raises(TaskDefinitionError, match=r"shop\.tasks\.ship uses once\('charge'\).*add the policy Once"):
        a_run().once("charge", lambda: pytest.fail("charged"))


@pytest.mark.parametrize("option", ["lease", "kept", "poll"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_time_that_is_none_is_refused_when_it_is_written(option, value):
    with pytest.raises(TaskDefinitionError, match=f"Once.{option}="):
        Once(**{option: value})


def test_what_a_step_returned_is_remembered_sealed_and_returned_as_it_was(store):
    ring = KeyRing.read(new_key("k1"))
    payload = Payload(mint, name="shop.mint").sealed_with(lambda: ring)
    sealing = {"seal": payload.sealing.seal_step, "unseal": payload.sealing.open_step}
    secret = {"token": "tok-6d1f0c2e"}

    assert begun(a_run(store, **sealing)).once("mint", lambda: secret) == secret
    assert begun(a_run(store, attempt=2, **sealing)).once("mint", lambda: None) == secret
    assert is_envelope(store.begin_step("job-1", "mint", "anybody", 1)[1])


def test_a_step_that_is_awaited_happens_once_as_well(store, clock):
    gateway = Gateway()

    async def charge() -> dict[str, int]:
        await asyncio.sleep(0)
        return gateway.charge(100)

    async def fail() -> None:
        raise ConnectionError("the gateway is down")

    run = begun(a_run(store))
    with pytest.raises(ConnectionError):
        asyncio.run(run.aonce("charge", fail))
    assert asyncio.run(run.aonce("charge", charge)) == {"receipt": 1}
    assert asyncio.run(begun(a_run(store)).aonce("charge", charge)) == {"receipt": 1}
    assert run.once("charge", lambda: gateway.charge(1)) == {"receipt": 1}
    assert gateway.charges == [100]
