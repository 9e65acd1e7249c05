"""A step that dies waits, its flow waits for it, and goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import flow_tasks as tasks
from acceptance.diary import read
from acceptance.flow_steps import PATIENCE, ended, mend, result, start, states
from tasks_platform import flows
from tasks_platform.flows import chain, chord, group
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue
    from tasks_platform.task import PlatformTask

pytestmark = [
    pytest.mark.usefixtures("flow_worker"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]


@pytest.mark.checklist(33, 36, 37, 67)
def test_a_step_that_dies_in_a_chain_waits_and_the_chain_goes_on_with_it(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    steps = chain(tasks.number.s(1), tasks.plus.s(-1), tasks.plus.s(10))
    steps.link_error(tasks.complains.s(diary))
    flow = ended(platform, start(platform, steps), "parked")
    (letter,) = letters.list()
    assert states(flow) == ["succeeded", "parked", "pending"]
    assert letter["id"] == flow.steps[1].job_id
    assert (letter["state"], letter["flow"]) == ("parked", flow.id)
    assert platform.AsyncResult(letter["id"]).state == "PARKED"
    assert read(diary) == []
    mend(letters, letter, y=1)
    assert result(platform, ended(platform, flow.id, "succeeded")) == 12
    assert letters.list() == []
    assert read(diary) == []


@pytest.mark.checklist(37, 65)
def test_a_chord_waits_for_its_parked_part_and_completes_in_order(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    header = [tasks.number.s(1, diary), tasks.number.s(-2, diary), tasks.number.s(3, diary)]
    body = tasks.listed.s().on_error(tasks.complains.s(diary))
    flow = ended(platform, start(platform, chord(header, body)), "parked")
    assert states(flow) == ["succeeded", "parked", "succeeded", "pending"]
    assert platform.AsyncResult(flow.steps[1].job_id).state == "PARKED"
    mend(letters, *letters.list(), value=2)
    assert result(platform, ended(platform, flow.id, "succeeded")) == [1, 2, 3]
    assert sorted(read(diary)) == ["-2", "1", "2", "3"]


@pytest.mark.checklist(66)
def test_a_chord_waits_for_a_chain_in_its_header_and_completes_in_order(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    header = [
        chain(tasks.number.s(1), tasks.plus.s(-1), tasks.plus.s(100)),
        tasks.number.s(5),
        chain(tasks.number.s(7), tasks.plus.s(1)),
    ]
    flow = ended(platform, start(platform, chord(header, tasks.listed.s())), "parked")
    assert states(flow) == ["succeeded", "parked", "pending", "succeeded", "succeeded", "succeeded", "pending"]
    mend(letters, *letters.list(), y=2)
    assert result(platform, ended(platform, flow.id, "succeeded")) == [103, 5, 8]


def test_the_last_step_of_a_chain_in_a_chord_header_parks_uncounted(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    header = [tasks.number.s(1), chain(tasks.number.s(2), tasks.plus.s(-2))]
    flow = ended(platform, start(platform, chord(header, tasks.listed.s())), "parked")
    assert states(flow) == ["succeeded", "succeeded", "parked", "pending"]
    mend(letters, *letters.list(), y=2)
    assert result(platform, ended(platform, flow.id, "succeeded")) == [1, 4]


@pytest.mark.checklist(65)
def test_a_chord_body_that_dies_waits_with_the_results_of_its_header(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    body = tasks.total.s(factor=-1).on_error(tasks.complains.s(diary))
    canvas = chord([tasks.number.s(1), tasks.number.s(2)], chain(body, tasks.plus.s(1)))
    flow = ended(platform, start(platform, canvas), "parked")
    (letter,) = letters.list()
    assert states(flow) == ["succeeded", "succeeded", "parked", "pending"]
    assert letters.arguments(letter) == {"numbers": [1, 2], "factor": -1}
    mend(letters, letter, factor=10)
    assert result(platform, ended(platform, flow.id, "succeeded")) == 31
    assert read(diary) == []


@pytest.mark.checklist(37)
def test_a_replay_that_fails_again_is_the_same_letter_with_one_more_attempt(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    flow = ended(platform, start(platform, chain(tasks.number.s(-1), tasks.plus.s(1))), "parked")
    (letter,) = letters.list()
    mend(letters, letter, value=-2)
    flow = ended(platform, flow.id, "parked")
    (again,) = letters.list()
    assert (again["id"], again["state"]) == (letter["id"], "parked")
    assert [attempt["attempt"] for attempt in again["attempts"]] == [1, 2]
    assert [attempt["error"]["message"] for attempt in again["attempts"]] == [
        "-1 is less than nothing",
        "-2 is less than nothing",
    ]
    assert again["version"] > letter["version"]
    assert again["message"]["args"] == [-2]
    mend(letters, again, value=3)
    assert result(platform, ended(platform, flow.id, "succeeded")) == 4


@pytest.mark.checklist(24, 85)
@pytest.mark.parametrize(
    ("task", "cause"),
    [(tasks.survives_a_kill, "WorkerLostError"), (tasks.survives_its_limit, "TimeLimitExceeded")],
    ids=["killed", "too long"],
)
def test_a_step_whose_process_is_lost_is_parked_by_the_main_process_and_continued(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path, task: PlatformTask[..., int], cause: str
) -> None:
    header = [task.s(1, dies=True).on_error(tasks.complains.s(diary)), tasks.number.s(2)]
    flow = ended(platform, start(platform, chord(header, tasks.listed.s())), "parked")
    (letter,) = letters.list()
    assert states(flow) == ["parked", "succeeded", "pending"]
    assert platform.AsyncResult(letter["id"]).state == "PARKED"
    assert cause in letter["cause"]["type"]
    mend(letters, letter, dies=False)
    assert result(platform, ended(platform, flow.id, "succeeded")) == [1, 2]
    assert read(diary) == []


@pytest.mark.checklist(66)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_what_is_parked_at_several_places_is_replayed_in_any_order(
    platform: PlatformApp, letters: DeadLetterQueue, order: tuple[int, ...]
) -> None:
    header = [tasks.number.s(-1), chain(tasks.number.s(2), tasks.plus.s(-2)), tasks.number.s(3), tasks.number.s(-4)]
    flow = ended(platform, start(platform, chord(header, tasks.listed.s())), "parked")
    parked = flow.in_state("parked")
    assert [flow.steps.index(step) for step in parked] == [0, 2, 4]
    changes: tuple[dict[str, int], ...] = ({"value": 1}, {"y": 2}, {"value": 4})
    for position in order[:-1]:
        mend(letters, letters.show(parked[position].job_id), **changes[position])
    flow = ended(platform, flow.id, "parked")
    assert [step.job_id for step in flow.in_state("parked")] == [parked[order[-1]].job_id]
    mend(letters, letters.show(parked[order[-1]].job_id), **changes[order[-1]])
    assert result(platform, ended(platform, flow.id, "succeeded")) == [1, 4, 3, 4]


def test_a_flow_with_a_parked_step_runs_as_long_as_another_goes_on_trying(
    platform: PlatformApp, letters: DeadLetterQueue, tmp_path: Path
) -> None:
    mended = tmp_path / "mended"
    flow_id = start(platform, group([tasks.goes_on_trying.s(mended, 1), tasks.number.s(-1)]))
    wait_for(lambda: states(flows.find(platform, flow_id)) == ["retrying", "parked"], PATIENCE, "both states")
    assert flows.find(platform, flow_id).state == "running"
    mended.touch()
    assert states(ended(platform, flow_id, "parked")) == ["succeeded", "parked"]
