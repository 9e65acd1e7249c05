from __future__ import annotations

import json

import pytest
from celery import chain, chord, group

from tasks_platform.bases import ReliableTask
from tasks_platform.celery import create_app
from tasks_platform.flows.graph import address, jobs, labelled, revived, steps_of
from tasks_platform.settings import Settings
from tasks_platform.task import task


@pytest.fixture(scope="module", autouse=True)
def app():
    """Assemble an application whose server nobody listens at: drawing a graph needs none."""
    with create_app(Settings(redis_url="redis://127.0.0.1:1/0", business=False)) as app:
        app.conf.result_backend = "cache+memory://"  # the results that freezing makes are let go again
        yield app


@task(base=ReliableTask, name="shop.tasks.pack_up")
def pack_up(value: int) -> int:
    return value


def a(label: str):
    """Return a step of this name."""
    return labelled(pack_up.si(1), label)


#: Each canvas, and which steps each of its steps comes after.
GRAPHS = {
    "a job": (lambda: a("one"), {"one": ""}),
    "a chain": (lambda: chain(a("one"), a("two"), a("three")), {"one": "", "two": "one", "three": "two"}),
    "a chain in a chain": (
        lambda: chain(a("one"), chain(a("two"), a("three"))),
        {"one": "", "two": "one", "three": "two"},
    ),
    "a group": (lambda: group([a("one"), a("two")]), {"one": "", "two": ""}),
    "a chord": (lambda: chord([a("one"), a("two")], a("last")), {"one": "", "two": "", "last": "one two"}),
    "chains in a header": (
        lambda: chord([chain(a("one"), a("two")), a("three")], a("last")),
        {"one": "", "two": "one", "three": "", "last": "two three"},
    ),
    "a chain as body": (
        lambda: chord([a("one"), a("two")], chain(a("last"), a("very last"))),
        {"one": "", "two": "", "last": "one two", "very last": "last"},
    ),
    "a chord in a chain": (
        lambda: chain(a("first"), chord([a("one"), a("two")], a("last")), a("very last")),
        {"first": "", "one": "first", "two": "first", "last": "one two", "very last": "last"},
    ),
    "a group in a chain": (
        lambda: chain(a("first"), group([a("one"), a("two")]), a("last")),
        {"first": "", "one": "first", "two": "first", "last": "one two"},
    ),
    "a chord in a chord": (
        lambda: chord([chord([a("one"), a("two")], a("inner")), a("three")], a("last")),
        {"one": "", "two": "", "inner": "one two", "three": "", "last": "inner three"},
    ),
}


@pytest.mark.checklist(66)
@pytest.mark.parametrize("shape", GRAPHS)
def test_each_step_comes_after_those_it_waits_for(shape: str) -> None:
    build, expected = GRAPHS[shape]
    canvas = build()
    canvas.freeze()
    steps = steps_of(canvas)
    labels = {job_id: step["label"] for job_id, step in steps.items()}

    assert {step["label"]: " ".join(labels[job_id] for job_id in step["after"]) for step in steps.values()} == expected


@pytest.mark.parametrize("shape", GRAPHS)
def test_steps_are_listed_after_what_they_wait_for(shape: str) -> None:
    canvas = GRAPHS[shape][0]()
    canvas.freeze()
    listed = list(steps_of(canvas))

    for job_id, step in steps_of(canvas).items():
        assert all(listed.index(earlier) < listed.index(job_id) for earlier in step["after"])


@pytest.mark.parametrize("shape", GRAPHS)
def test_what_was_stored_as_json_has_the_same_jobs_with_the_same_ids(shape: str, app) -> None:
    canvas = GRAPHS[shape][0]()
    canvas.freeze()
    address(canvas, flow="flow", rule="park")
    again = revived(json.loads(json.dumps(canvas)), app)

    assert steps_of(again) == steps_of(canvas)
    assert {job.options["headers"]["platform"]["flow"] for job in jobs(again)} == {"flow"}


def test_a_label_says_what_a_step_does_for_whom_and_how_much_it_is() -> None:
    canvas = labelled(pack_up.s(1), "Pack", weight=3, subject="Ana")
    canvas.freeze()
    (step,) = steps_of(canvas).values()

    assert (step["label"], step["subject"], step["weight"]) == ("Pack", "Ana", 3)


def test_a_step_without_a_label_is_called_as_its_task() -> None:
    canvas = pack_up.s(1)
    canvas.freeze()
    (step,) = steps_of(canvas).values()

    assert (step["task"], step["label"], step["subject"], step["weight"]) == ("shop.tasks.pack_up", "pack up", "", 1.0)


def test_addressing_a_job_keeps_what_is_written_on_it() -> None:
    canvas = labelled(pack_up.s(1).set(headers={"trace": "abc"}), "Pack")
    address(canvas, flow="flow", rule="fail", tenant="acme")

    headers = canvas.options["headers"]
    assert headers["trace"] == "abc"
    assert headers["platform"] == {
        "label": "Pack",
        "weight": 1.0,
        "subject": "",
        "flow": "flow",
        "rule": "fail",
        "tenant": "acme",
    }
