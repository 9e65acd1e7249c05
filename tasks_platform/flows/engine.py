"""Start a flow once, find it again, follow it to where it stands still."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import celery

from tasks_platform.errors import FlowError
from tasks_platform.flows.graph import address, jobs, revived, steps_of
from tasks_platform.flows.value import Flow, flow_from
from tasks_platform.store import Store
from tasks_platform.task import PlatformTask, acting_for

Rule = Literal["park", "fail"]


def start(  # noqa: PLR0913 - each names one thing about the flow
    app: celery.Celery, canvas: Any, *, flow_id: str, kind: str, rule: Rule = "park", tenant: str | None = None
) -> Flow:
    """Start *canvas* as the flow *flow_id*; a flow of that id that was started before is returned as it is.

    1. The canvas is frozen, so that every job has its id, and stored under the flow's id. Only one caller
       can do that; the others go on with what is stored.
    2. Its first jobs are sent. A caller that dies before it could say so is made up for by the next one:
       jobs that were sent already are not sent again, for their ids are taken.

    With the rule ``park`` a step that dies waits as a parked letter, and the rest goes on as far as it can;
    with ``fail`` it fails the flow, as Celery does.

    Raises:
        PayloadError: if the arguments of a first job do not fit its task; then there is no flow.
        FlowError: if one of the jobs is a plain Celery task's.

    """
    store = _store(app)
    if store.flow(flow_id) is None:
        frozen = canvas.clone()
        frozen.freeze()
        steps = steps_of(frozen)
        _check(app, frozen, steps)
        address(frozen, flow=flow_id, rule=rule, **({"tenant": tenant} if tenant else {}))
        stored = json.loads(json.dumps(frozen))
        flow = {"kind": kind, "rule": rule, "tenant": tenant, "created_at": time.time(), "canvas": stored}
        store.create_flow(flow_id, flow, steps)
    record = store.flow(flow_id) or {}
    if not (record.get("started") or _has_begun(record)):
        # as a sender of its own: of two that start at once, the other one waits until an id is taken
        with acting_for(record["tenant"]):
            revived(record["canvas"], app).apply_async()
    if not record.get("started"):
        store.update_flow(flow_id, {"started": True})
    return find(app, flow_id)


def find(app: celery.Celery, flow_id: str) -> Flow:
    """Return a flow as it is now.

    Raises:
        FlowError: if there is none of that id.

    """
    if (record := _store(app).flow(flow_id)) is None:
        raise FlowError(f"there is no flow {flow_id!r}")
    return flow_from(flow_id, record)


def follow(app: celery.Celery, flow_id: str, *, every: float = 0.25) -> Iterator[Flow]:
    """Yield the flow every so many seconds, until it has succeeded or stands still; that state comes last."""
    while True:
        flow = find(app, flow_id)
        yield flow
        if flow.state != "running":
            return
        time.sleep(every)


def _check(app: celery.Celery, frozen: Any, steps: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse first jobs that could never be sent, as long as nothing is stored."""
    for job in jobs(frozen):
        task = app.tasks.get(str(job.task))
        if task is not None and not isinstance(task, PlatformTask):
            raise FlowError(
                f"{job.task} is a plain Celery task: it would never say how far it is; give it a base class"
            )
        if not steps[job.options["task_id"]]["after"] and isinstance(task, PlatformTask):
            task.payload.write(job.args, job.kwargs)


def _has_begun(record: Mapping[str, Any]) -> bool:
    """Tell whether every first job was taken by a worker, also long ago, when their ids are free again."""
    return all(job_id in record["states"] for job_id, step in record["steps"].items() if not step["after"])


def _store(app: celery.Celery) -> Store:
    return cast("Store", app.store)  # type: ignore[attr-defined]
