"""A flow is started once, whatever its shape and whoever dies on the way; then it can be watched."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from acceptance import flow_tasks as tasks
from acceptance.diary import read
from acceptance.flow_steps import PATIENCE, ended, mend, result, start, states
from acceptance.workers import TESTS
from forked_processes import run_at_once
from tasks_platform import flows
from tasks_platform.errors import FlowError, PayloadError
from tasks_platform.flows import chain, chord, group, labelled

if TYPE_CHECKING:
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = [
    pytest.mark.usefixtures("flow_worker"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]


SHAPES = {
    "a job": lambda: tasks.number.s(1),
    "a chain": lambda: chain(tasks.number.s(1), tasks.plus.s(1)),
    "a group": lambda: group([tasks.number.s(1), tasks.number.s(2)]),
    "a group with a next step": lambda: group([tasks.number.s(1), tasks.number.s(2)]) | tasks.listed.s(),
    "a group in a chain": lambda: chain(tasks.number.s(1), group([tasks.plus.s(1), tasks.plus.s(2)]), tasks.listed.s()),
    "a group at the end": lambda: chain(tasks.number.s(1), group([tasks.plus.s(1), tasks.plus.s(2)])),
    "a chord in a chain": lambda: chain(
        tasks.number.s(1), chord([tasks.plus.s(1), tasks.plus.s(2)], tasks.total.s()), tasks.plus.s(1)
    ),
    "chords one after the other": lambda: chain(
        chord([tasks.number.s(1), tasks.number.s(2)], tasks.total.s()),
        chord([tasks.plus.s(1), tasks.plus.s(2)], tasks.total.s()),
    ),
    "a chord in a chord": lambda: chord(
        [chord([tasks.number.s(1), tasks.number.s(2)], tasks.total.s()), tasks.number.s(3)], tasks.listed.s()
    ),
    "a group after a chord": lambda: chord(
        [tasks.number.s(1), tasks.number.s(2)], chain(tasks.total.s(), group([tasks.plus.s(1), tasks.plus.s(2)]))
    ),
    "a chord of one": lambda: chord([tasks.number.s(1)], tasks.listed.s()),
}


@pytest.mark.checklist(65, 66, 67)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_step_of_every_shape_is_followed_to_its_end(platform: PlatformApp, shape: str) -> None:
    flow = ended(platform, start(platform, SHAPES[shape]()), "succeeded")
    assert set(states(flow)) == {"succeeded"}


def test_the_same_id_is_one_flow(platform: PlatformApp, diary: Path) -> None:
    canvas = chain(tasks.number.s(1, diary), tasks.plus.s(1))
    first, again = (flows.start(platform, canvas, flow_id="twice", kind="test") for _ in range(2))
    assert [step.job_id for step in first.steps] == [step.job_id for step in again.steps]
    flow = ended(platform, "twice", "succeeded")
    assert flows.start(platform, canvas, flow_id="twice", kind="test") == flow
    assert read(diary) == ["1"]


STARTS = """
import sys
from acceptance import flow_tasks as tasks
from tasks_platform import flows
from tasks_platform.celery import app

def work(number):
    diary, flow_id = sys.argv[1:]
    header = [tasks.number.s(value, diary) for value in range(6)]
    flows.start(app, flows.chord(header, tasks.listed.s(diary)), flow_id=flow_id, kind="test")
"""

#: Each kills the process that starts a flow, at another moment.
DEATHS = {
    "before it sends": "flows.engine.revived = die",
    "when it has sent the first job": """
from tasks_platform.broker.leased.channel import Channel
put = Channel._put
Channel._put = lambda *arguments, **options: (put(*arguments, **options), die())""",
    "when it has sent all and not said so": "app.store.update_flow = die",
}


@pytest.fixture
def elsewhere(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other processes use this platform."""
    monkeypatch.setenv("TASKS_REDIS_URL", server.url)
    monkeypatch.setenv("TASKS_BUSINESS", "false")


@pytest.mark.checklist(55, 66)
@pytest.mark.usefixtures("elsewhere")
def test_a_flow_that_four_processes_start_at_once_is_one_flow(platform: PlatformApp, diary: Path) -> None:
    run_at_once(4, STARTS, str(diary), "at-once")
    flow = ended(platform, "at-once", "succeeded")
    assert result(platform, flow) == [0, 1, 2, 3, 4, 5]
    assert sorted(read(diary)) == ["0", "1", "2", "3", "4", "5", "listed"]


@pytest.mark.checklist(12, 55, 85)
@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("moment", DEATHS)
def test_the_next_start_makes_up_for_a_starter_that_was_killed(platform: PlatformApp, diary: Path, moment: str) -> None:
    flow_id = f"killed {moment}"
    dying = f"""
import os, signal
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
{DEATHS[moment]}
work(0)
"""
    killed = subprocess.run(
        [sys.executable, "-c", STARTS + dying, str(diary), flow_id], cwd=TESTS, timeout=PATIENCE, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(flows.find(platform, flow_id).steps) == 7
    run_at_once(2, STARTS, str(diary), flow_id)
    flow = ended(platform, flow_id, "succeeded")
    assert result(platform, flow) == [0, 1, 2, 3, 4, 5]
    assert sorted(read(diary)) == ["0", "1", "2", "3", "4", "5", "listed"]


def test_first_steps_whose_arguments_do_not_fit_are_refused_and_there_is_no_flow(platform: PlatformApp) -> None:
    canvas = chord([tasks.number.s(1), tasks.number.s("two")], tasks.listed.s())
    with pytest.raises(PayloadError, match="value: Input should be a valid integer"):
        flows.start(platform, canvas, flow_id="never", kind="test")
    with pytest.raises(FlowError, match="there is no flow 'never'"):
        flows.find(platform, "never")


def test_the_states_and_the_progress_of_a_flow_are_those_of_its_steps(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    canvas = chord(
        [
            chain(
                labelled(tasks.number.s(value), "Count", weight=2, subject=subject),
                labelled(tasks.plus.s(1), "Add", subject=subject),
            )
            for value, subject in ((1, "Ana"), (-1, "Ben"))
        ],
        labelled(tasks.listed.s(), "List", weight=4),
    )
    flow = ended(platform, start(platform, canvas), "parked")
    assert {label: [(step.subject, step.state) for step in steps] for label, steps in flow.by_label().items()} == {
        "Count": [("Ana", "succeeded"), ("Ben", "parked")],
        "Add": [("Ana", "succeeded"), ("Ben", "pending")],
        "List": [("", "pending")],
    }
    assert flow.progress == 30.0
    mend(letters, *letters.list(), value=2)
    assert ended(platform, flow.id, "succeeded").progress == 100.0


def test_an_unknown_flow_is_an_error_that_names_it(platform: PlatformApp) -> None:
    with pytest.raises(FlowError, match="there is no flow 'nowhere'"):
        flows.find(platform, "nowhere")


def test_following_a_flow_ends_with_the_state_in_which_it_stands_still(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    flow_id = start(platform, chain(tasks.number.s(1), tasks.plus.s(-1)))
    *before, last = flows.follow(platform, flow_id, every=0.05)
    assert {flow.state for flow in before} <= {"running"}
    assert last.state == "parked"
