from __future__ import annotations

import pytest

from tasks_platform.flows.value import Flow, Step, flow_from

#: first, left, right and last: a chord behind a step.
AFTER = ((), (0,), (0,), (1, 2))


def a_flow(states: str, *, after: tuple[tuple[int, ...], ...] = AFTER, weights: tuple[float, ...] = ()) -> Flow:
    """Return a flow whose steps are in these states; *after* says which of them each comes after."""
    return Flow(
        id="flow",
        kind="test",
        tenant=None,
        rule="park",
        steps=tuple(
            Step(
                job_id=str(number),
                task="shop.tasks.ship",
                label="Ship" if number else "Pack",
                subject="",
                weight=weights[number] if weights else 1.0,
                state=state,
                after=tuple(map(str, after[number])),
            )
            for number, state in enumerate(states.split())
        ),
    )


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("succeeded succeeded succeeded succeeded", "succeeded"),
        ("pending pending pending pending", "running"),
        ("waiting pending pending pending", "running"),
        ("succeeded active pending pending", "running"),
        ("succeeded succeeded succeeded pending", "running"),  # the last one is on its way
        ("succeeded held succeeded pending", "running"),
        ("retrying pending pending pending", "running"),
        ("parked pending pending pending", "parked"),
        ("succeeded parked succeeded pending", "parked"),
        ("succeeded parked parked pending", "parked"),
        ("succeeded succeeded succeeded parked", "parked"),
        ("succeeded parked retrying pending", "running"),
        ("succeeded parked pending pending", "running"),
        ("succeeded waiting parked pending", "running"),  # being replayed
        ("dead pending pending pending", "dead"),
        ("succeeded dead succeeded pending", "dead"),
        ("succeeded dead active pending", "running"),
        ("succeeded dead parked pending", "dead"),
        ("succeeded cancelled parked pending", "cancelled"),
        ("succeeded cancelled dead pending", "dead"),
        ("cancelled pending pending pending", "cancelled"),
    ],
)
def test_a_flow_runs_as_long_as_any_step_can_go_on(states: str, expected: str) -> None:
    assert a_flow(states).state == expected


def test_what_comes_after_something_blocked_is_blocked_too() -> None:
    chain = ((), (0,), (1,), (2,))

    assert a_flow("succeeded parked pending pending", after=chain).state == "parked"


def test_a_flow_of_no_steps_has_succeeded() -> None:
    assert (a_flow("").state, a_flow("").progress) == ("succeeded", 100.0)


@pytest.mark.checklist(69)
@pytest.mark.parametrize(
    ("states", "weights", "expected"),
    [
        ("pending pending pending pending", (1, 1, 1, 1), 0.0),
        ("succeeded active pending pending", (1, 1, 1, 1), 25.0),
        ("succeeded parked succeeded pending", (1, 2, 3, 4), 40.0),
        ("succeeded succeeded succeeded succeeded", (1, 2, 3, 4), 100.0),
        ("active pending pending pending", (0, 0, 0, 0), 100.0),
    ],
)
def test_progress_is_the_weighted_share_of_what_succeeded(
    states: str, weights: tuple[float, ...], expected: float
) -> None:
    assert a_flow(states, weights=weights).progress == expected


def test_steps_are_found_by_state_and_by_what_they_do() -> None:
    flow = a_flow("succeeded parked parked pending")

    assert [step.job_id for step in flow.in_state("parked")] == ["1", "2"]
    assert {label: [step.job_id for step in steps] for label, steps in flow.by_label().items()} == {
        "Pack": ["0"],
        "Ship": ["1", "2", "3"],
    }


def test_a_step_that_nothing_is_known_of_is_pending() -> None:
    step = {"task": "shop.tasks.ship", "label": "Ship", "subject": "Ana", "weight": 2.0, "after": []}
    record = {"kind": "test", "tenant": "acme", "rule": "fail", "states": {"b": "active"}, "steps": {}}
    flow = flow_from("flow", {**record, "steps": {"a": step, "b": {**step, "after": ["a"]}}})

    assert [(step.job_id, step.state, step.after) for step in flow.steps] == [
        ("a", "pending", ()),
        ("b", "active", ("a",)),
    ]
    assert (flow.id, flow.kind, flow.tenant, flow.rule) == ("flow", "test", "acme", "fail")
