from __future__ import annotations

import gc

import pytest
from celery import current_app
from celery.app.trace import build_tracer

from tasks_platform import ReliableTask, Settings, create_app, events, task
from tasks_platform.events import listen


@task(base=ReliableTask)
def does_nothing(number: int) -> None:
    """Do nothing."""


@pytest.fixture
def run_once():
    """Return what runs a job as a worker does."""
    before = current_app._get_current_object()
    app = create_app(Settings(redis_url="redis://127.0.0.1:1/0", business=False))
    trace = build_tracer(does_nothing.name, app.tasks[does_nothing.name], app=app)
    request = {"id": "job-1", "task": does_nothing.name, "retries": 0, "delivery_info": {}, "args": (1,), "kwargs": {}}
    yield lambda: trace("job-1", (1,), {}, dict(request))
    before.set_current()
    before.set_default()


def test_a_run_leaves_nothing_to_the_garbage_collector(run_once):
    run_once()
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            run_once()
        left = gc.collect()
    finally:
        gc.enable()

    assert left == 0


def test_a_run_of_one_process_is_told_from_beginning_to_end(run_once, monkeypatch):
    monkeypatch.setattr(events, "_listeners", {})
    told = []
    listen(told.append)
    run_once()

    assert [(event.kind, event.job_id) for event in told] == [("started", "job-1"), ("completed", "job-1")]
    assert told[-1].details["runtime"] >= 0
