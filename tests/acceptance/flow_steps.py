"""Start flows and jobs, wait for what becomes of them, and mend what stands still."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from acceptance import flow_tasks as tasks
from tasks_platform import flows
from waiting import wait_for

if TYPE_CHECKING:
    from tasks_platform.celery import PlatformApp
    from tasks_platform.flows import Flow
    from tasks_platform.letters import DeadLetterQueue, Letter

PATIENCE = 30.0


def start(platform: PlatformApp, canvas: Any, *, rule: flows.engine.Rule = "park") -> str:
    """Start a flow under an id of its own, and return that."""
    return flows.start(platform, canvas, flow_id=f"flow-{uuid.uuid4()}", kind="test", rule=rule).id


def ended(platform: PlatformApp, flow_id: str, state: str) -> Flow:
    """Wait until the flow no longer runs, and return it; it has to be in *state* then."""

    def still() -> Flow | None:
        flow = flows.find(platform, flow_id)
        return None if flow.state == "running" else flow

    flow = wait_for(still, PATIENCE, f"the end of {flow_id}")
    assert flow.state == state, flow
    return flow


def states(flow: Flow) -> list[str]:
    """Return the states of the steps, in order."""
    return [step.state for step in flow.steps]


def result(platform: PlatformApp, flow: Flow, position: int = -1) -> Any:
    """Return what a step of the flow returned, the last one if no other is asked for."""
    return platform.AsyncResult(flow.steps[position].job_id).get(timeout=PATIENCE)


def failure(platform: PlatformApp, job_id: str) -> str:
    """Wait until a job has failed, and return what it failed with: its last part may be counted after it is marked."""
    wait_for(lambda: platform.AsyncResult(job_id).state == "FAILURE", PATIENCE, f"the failure of {job_id}")
    return str(platform.AsyncResult(job_id).result)


def mend(letters: DeadLetterQueue, letter: dict[str, Any], **changes: Any) -> None:
    """Correct a letter and send it again."""
    letters.edit(letter["id"], changes)
    letters.replay(letter["id"])


def buried(platform: PlatformApp, job_id: str) -> Letter:
    """Wait for the letter of a job."""
    return wait_for(lambda: platform.store.letter(job_id), PATIENCE, f"the letter of {job_id}")


def a_letter(platform: PlatformApp, task_id: str | None = None, **arguments: Any) -> Letter:
    """Let a job die that takes no number below zero."""
    return buried(platform, tasks.number.apply_async((-1,), arguments, task_id=task_id).id)


def dead_again(letters: DeadLetterQueue, job_id: str) -> Letter:
    """Wait until a replay has failed, and return the letter."""
    wait_for(lambda: letters.show(job_id)["state"] == "dead", PATIENCE, f"the death of {job_id}")
    return letters.show(job_id)


def gone(platform: PlatformApp, job_id: str) -> None:
    """Wait until a letter is gone."""
    wait_for(lambda: platform.store.letter(job_id) is None, PATIENCE, f"the end of the letter {job_id}")
