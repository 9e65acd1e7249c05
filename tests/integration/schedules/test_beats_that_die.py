"""A beat dies between two of its steps, and the next one goes on."""

from __future__ import annotations

import pytest

from acceptance.workers import PLATFORM, running_worker
from beats_here import came_due, declare, leading, states, tick_until, waiting
from tasks_platform.schedules.firing import firing, send
from waiting import wait_for


@pytest.fixture
def entry(app, start):
    entry = declare()
    leading(start()).close()
    return entry


@pytest.fixture
def claimed(app, entry):
    """Let a moment, and two that follow it, be overdue; a beat died when it had claimed the first."""
    overdue = came_due(app, entry, 3)
    app.store.lead("dead", 10, renew=False)
    app.store.claim_firing(entry.name, firing(overdue[0], "sending"), "dead")
    app.store.abdicate("dead")
    return overdue


def settled(app, start):
    tick_until(leading(start()), lambda: len(states(app)) == 3 and "sending" not in states(app).values())
    assert [record["state"] for record in app.store.firings("clean-up")] == ["fired", "missed", "fired"]


def test_a_moment_that_was_claimed_and_not_sent_is_sent(app, start, client, entry, claimed):
    settled(app, start)

    assert [h["id"] for h in waiting(client)] == [entry.job_id(claimed[0]), entry.job_id(claimed[2])]


def test_a_moment_whose_sending_had_begun_is_sent_at_once(app, start, client, entry, claimed):
    job_id = entry.job_id(claimed[0])
    app.store.reserve(job_id, job_id, 1000)
    settled(app, start)

    assert [h["id"] for h in waiting(client)] == [job_id, entry.job_id(claimed[2])]


def test_a_moment_that_was_sent_and_not_recorded_is_one_job(app, start, client, entry, claimed):
    send(app, entry, claimed[0], entry.job_id(claimed[0]))
    settled(app, start)

    assert [h["id"] for h in waiting(client)] == [entry.job_id(claimed[0]), entry.job_id(claimed[2])]


def test_a_moment_whose_job_has_ended_so_long_ago_that_its_id_is_free_again_is_one_job(  # noqa: PLR0913, PLR0917 - fixtures
    app, start, server, client, entry, claimed, tmp_path
):
    job_id = entry.job_id(claimed[0])
    send(app, entry, claimed[0], job_id)
    variables = {"TASKS_MODULES": "beats_here", "TASKS_JOB_ID_RETENTION": "0.1"}
    with running_worker(PLATFORM, server.url, tmp_path / "worker.log", pool="solo", environment=variables):
        wait_for(lambda: states(app).popitem()[1] == "fired", 30, "the end of the job")
        wait_for(lambda: not client.exists(f"tasks-platform:id:{job_id}"), 30, "its id to be free")
    settled(app, start)

    assert [h["id"] for h in waiting(client)] == [entry.job_id(claimed[2])]


def test_a_moment_that_was_recorded_while_the_entry_had_not_gone_on_is_not_sent_again(
    app, start, client, entry, claimed
):
    app.store.record_firings(entry.name, [firing(claimed[0], "fired", job_id="x")], 100)
    settled(app, start)

    assert [h["id"] for h in waiting(client)] == [entry.job_id(claimed[2])]
