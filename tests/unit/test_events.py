from __future__ import annotations

import logging

import pytest

from runs import a_run
from tasks_platform import EventKind, events, on_event
from tasks_platform.errors import TaskDefinitionError
from tasks_platform.events import emit, has_listeners, listen, stop_listening


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch):
    monkeypatch.setattr(events, "_listeners", {})


@pytest.fixture
def heard():
    """Return what is heard of all events."""
    told = []
    listen(told.append)
    return told


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("started", logging.INFO),
        ("completed", logging.INFO),
        ("failed", logging.ERROR),
        ("retrying", logging.WARNING),
        ("stalled", logging.WARNING),
        ("progress", logging.DEBUG),
        ("held", logging.INFO),
        ("cancelled", logging.INFO),
        ("skipped", logging.INFO),
    ],
)
@pytest.mark.checklist(73)
def test_every_moment_has_a_level(kind, level):
    assert EventKind(kind).level == level


def test_an_event_says_which_job_it_is_about(heard):
    headers = {"tenant": "acme", "flow": "billing:2026-10", "schedule": "nightly"}
    emit(EventKind.STARTED, a_run(attempt=2, headers=headers, queue="email"), waited=0.5)

    (event,) = heard
    assert (event.kind, event.task, event.job_id, event.attempt) == ("started", "shop.tasks.ship", "job-1", 2)
    assert (event.tenant, event.flow_id, event.schedule) == ("acme", "billing:2026-10", "nightly")
    assert (event.queue, event.worker, event.details) == ("email", "celery@box", {"waited": 0.5})


def test_a_listener_hears_what_it_asked_for():
    heard = []

    @on_event("failed", EventKind.STALLED)
    def note(event):
        heard.append(event.kind)

    for kind in EventKind:
        emit(kind, a_run())
    stop_listening(note)
    emit(EventKind.FAILED, a_run())

    assert heard == ["failed", "stalled"]


def test_a_listener_is_told_once(heard):
    listen(heard.append)
    emit(EventKind.STARTED, a_run())

    assert len(heard) == 1


def test_a_listener_that_fails_is_logged_and_harms_nobody(heard, caplog):
    @on_event("completed")
    def broken(event):
        raise ConnectionError("the pager is down")

    emit(EventKind.COMPLETED, a_run())
    assert [event.kind for event in heard] == ["completed"]
    assert "a listener failed when told that shop.tasks.ship[job-1] is completed" in caplog.text


def test_details_need_not_be_computed_where_nobody_listens():
    assert not has_listeners(EventKind.PROGRESS)

    emit(EventKind.PROGRESS, a_run())


def test_a_moment_that_does_not_exist_is_refused():
    with pytest.raises(TaskDefinitionError, match="did you mean 'completed'"):
        on_event("complete")
    with pytest.raises(TaskDefinitionError, match="they are started, completed"):
        on_event("xyz")
