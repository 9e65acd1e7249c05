"""How a flow fails: by its rule, by a discarded letter, or by arguments that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import flow_tasks as tasks
from acceptance.diary import read
from acceptance.flow_steps import PATIENCE, ended, failure, mend, result, start, states
from tasks_platform import flows
from tasks_platform.flows import chain, chord
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tasks_platform.celery import PlatformApp
    from tasks_platform.letters import DeadLetterQueue

pytestmark = [
    pytest.mark.usefixtures("flow_worker"),
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),  # Celery's own call
]


@pytest.mark.checklist(66)
def test_with_the_rule_fail_a_dead_part_fails_the_chord_and_its_replay_runs_it_alone(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    header = [tasks.number.s(1), tasks.number.s(-2)]
    body = tasks.listed.s(diary).on_error(tasks.complains.s(diary))
    flow = ended(platform, start(platform, chord(header, body), rule="fail"), "dead")
    (letter,) = letters.list()
    wait_for(lambda: read(diary), PATIENCE, "the errback")
    assert (letter["state"], states(flow)) == ("dead", ["succeeded", "dead", "pending"])
    mend(letters, letter, value=2)
    wait_for(lambda: platform.AsyncResult(letter["id"]).state == "SUCCESS", PATIENCE, "the replay")
    assert platform.AsyncResult(letter["id"]).result == 2
    assert letters.list() == []
    assert "less than nothing" in failure(platform, flow.steps[-1].job_id)
    assert read(diary) == [f"complained-of-{flow.steps[-1].job_id}"]
    assert flows.find(platform, flow.id) == flow


@pytest.mark.checklist(36)
def test_discarding_a_parked_part_fails_the_chord_as_if_it_had_not_been_parked(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    dying = tasks.number.s(-2).on_error(tasks.complains.s(diary))
    body = tasks.listed.s(diary).on_error(tasks.complains.s(diary))
    flow = ended(platform, start(platform, chord([tasks.number.s(1), dying], body)), "parked")
    (letter,) = letters.list()
    letters.discard(letter["id"])
    assert "was discarded" in failure(platform, flow.steps[-1].job_id)
    assert platform.AsyncResult(letter["id"]).state == "FAILURE"
    assert sorted(read(diary)) == sorted(f"complained-of-{step.job_id}" for step in flow.steps[1:])
    assert states(ended(platform, flow.id, "dead")) == ["succeeded", "dead", "pending"]
    assert letters.list() == []


def test_discarding_a_parked_step_fails_the_chain_behind_it(
    platform: PlatformApp, letters: DeadLetterQueue, diary: Path
) -> None:
    canvas = chord([chain(tasks.number.s(-1), tasks.plus.s(1)), tasks.number.s(2)], tasks.listed.s(diary))
    flow = ended(platform, start(platform, canvas), "parked")
    letters.discard(letters.list()[0]["id"])
    assert "was discarded" in failure(platform, flow.steps[1].job_id)
    assert "was discarded" in failure(platform, flow.steps[-1].job_id)
    assert ended(platform, flow.id, "dead").in_state("dead")[0].job_id == flow.steps[0].job_id
    assert read(diary) == []


@pytest.mark.checklist(4, 36, 37)
def test_a_next_step_whose_arguments_do_not_fit_is_a_letter_of_its_own(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    flow = ended(platform, start(platform, chain(tasks.word.s(3), tasks.plus.s(1), tasks.plus.s(10))), "parked")
    (letter,) = letters.list()
    assert states(flow) == ["succeeded", "parked", "pending"]
    assert platform.AsyncResult(flow.steps[0].job_id).get(timeout=PATIENCE) == "three"
    assert letter["id"] == flow.steps[1].job_id
    assert "x: Input should be a valid integer" in letter["cause"]["message"]
    mend(letters, letter, x=3)
    assert result(platform, ended(platform, flow.id, "succeeded")) == 14


def test_a_next_step_that_gets_too_many_arguments_is_given_all_of_them(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    flow = ended(platform, start(platform, chain(tasks.number.s(1), tasks.plus.s(2, 3))), "parked")
    (letter,) = letters.list()
    assert "argument 3: Unexpected positional argument" in letter["cause"]["message"]
    mend(letters, letter, x=1, y=2)
    assert result(platform, ended(platform, flow.id, "succeeded")) == 3


def test_a_chord_body_whose_arguments_do_not_fit_is_a_letter_of_its_own(
    platform: PlatformApp, letters: DeadLetterQueue
) -> None:
    canvas = chord([tasks.word.s(1), tasks.word.s(2)], chain(tasks.total.s(), tasks.plus.s(1)))
    flow = ended(platform, start(platform, canvas), "parked")
    (letter,) = letters.list()
    assert states(flow) == ["succeeded", "succeeded", "parked", "pending"]
    assert "numbers.0: Input should be a valid integer" in letter["cause"]["message"]
    mend(letters, letter, numbers=[1, 2])
    assert result(platform, ended(platform, flow.id, "succeeded")) == 4
