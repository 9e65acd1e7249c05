"""A service over HTTP is given its queue, sends a job and answers 202 with its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from acceptance import shop
from tasks_platform.api import Accepted, InjectedJobQueue, accepted, job_queue
from tasks_platform.job_queue import MemoryJobQueue

if TYPE_CHECKING:
    from acceptance.workers import Worker


def service() -> FastAPI:
    """Return a service that sends a job per request."""
    app = FastAPI()

    @app.post("/sums", status_code=202)
    async def add(x: int, y: int, jobs: InjectedJobQueue) -> Accepted:
        return accepted(await jobs.using(priority="high").asend(shop.add, x, y))

    return app


@pytest.mark.checklist(11)
def test_a_request_is_answered_with_the_id_of_the_job_that_a_worker_runs(worker: Worker) -> None:
    with TestClient(service()) as client:
        answer = client.post("/sums", params={"x": 1, "y": 2})

    assert answer.status_code == 202
    assert shop.add.AsyncResult(answer.json()["job_id"]).get(timeout=15) == 3


@pytest.mark.checklist(9)
def test_a_service_is_tested_without_a_broker() -> None:
    app, queue = service(), MemoryJobQueue()
    app.dependency_overrides[job_queue] = lambda: queue

    with TestClient(app) as client:
        answer = client.post("/sums", params={"x": 1, "y": 2})

    (job,) = queue.jobs
    assert (answer.json(), job.task.name, job.args) == ({"job_id": job.id}, shop.add.name, (1, 2))
