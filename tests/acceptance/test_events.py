"""A job's life is told: every moment once, in order, by the process that sees it."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import watched
from acceptance.workers import PLATFORM, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

Events = list[dict[str, Any]]
Lives = dict[str, Events]
ENDS = {"completed", "failed", "cancelled", "skipped"}
SENT = (
    "succeeds",
    "fails_once",
    "never_works",
    "is_refused",
    "is_killed",
    "hangs",
    "cancels_itself",
    "cancels_itself_in_trouble",
    "skips_itself",
    "counts",
)


@pytest.fixture(scope="module")
def lives(
    server: RedisServer, platform: PlatformApp, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Events]]:
    """Send a job of every kind at once, and return what is told of each when it has ended."""
    folder = tmp_path_factory.mktemp("events")
    written = folder / "events.jsonl"
    environment = {"TASKS_MODULES": "acceptance.watched", "EVENTS": str(written)}
    with running_worker(PLATFORM, server.url, logs / "watched.log", environment=environment):
        jobs = {name: getattr(watched, name).delay().id for name in SENT}
        jobs["waits_once"] = watched.waits_once.delay(folder / "flag").id
        jobs["expires"] = watched.succeeds.apply_async(expires=0.001).id

        def life(name: str) -> Events:
            lines = written.read_text().splitlines() if written.exists() else []
            return [event for line in lines if (event := json.loads(line))["job"] == jobs[name]]

        def ended(name: str) -> Events:
            wait_for(lambda: {event["kind"] for event in life(name)} & ENDS, 40, f"the end of {name}")
            return life(name)

        yield ended


@pytest.mark.parametrize(
    ("task", "moments"),
    [
        ("succeeds", ["started 1", "completed 1"]),
        ("fails_once", ["started 1", "retrying 1", "started 2", "completed 2"]),
        ("never_works", ["started 1", "retrying 1", "started 2", "failed 2"]),
        ("is_refused", ["started 1", "failed 1"]),
        ("is_killed", ["started 1", "stalled 1", "retrying 1", "started 2", "stalled 2", "failed 2"]),
        ("hangs", ["started 1", "retrying 1", "started 2", "failed 2"]),
        ("cancels_itself", ["started 1", "cancelled 1"]),
        ("cancels_itself_in_trouble", ["started 1", "cancelled 1"]),
        ("skips_itself", ["started 1", "skipped 1"]),
        ("expires", ["cancelled 1"]),
        ("waits_once", ["started 1", "held 1", "started 1", "completed 1"]),
    ],
)
@pytest.mark.checklist(73, 24)
def test_every_moment_is_told_once_and_in_order(lives: Callable[[str], Events], task: str, moments: list[str]) -> None:
    assert moments == [f"{event['kind']} {event['attempt']}" for event in lives(task)]


def test_a_job_that_begins_tells_how_long_it_waited(lives: Callable[[str], Events]) -> None:
    first, _, second, _ = lives("fails_once")
    assert first["details"]["waited"] > 0
    assert "waited" not in second["details"]  # a retry waits on purpose


@pytest.mark.checklist(73, 24)
def test_a_death_is_written_once_by_the_main_process(lives: Callable[[str], Events], logs: Path) -> None:
    job_id = lives("is_killed")[0]["job"]
    lines = [json.loads(line) for log in logs.glob("watched*.log") for line in log.read_text().splitlines()]
    told = [line for line in lines if line.get("job_id") == job_id and line["event"] != "started"]
    assert [(line["event"], line["level"]) for line in told if "received" not in line["event"]] == [
        ("stalled", "warning"),
        ("retrying", "warning"),
        ("stalled", "warning"),
        ("failed", "error"),
    ]
    assert {line["process"] for line in told} == {"MainProcess"}
    assert {line["task"] for line in told} == {"acceptance.watched.is_killed"}
    assert "SIGKILL" in told[-1]["error"]


def test_a_retry_is_no_error_and_a_death_is(lives: Callable[[str], Events]) -> None:
    levels = {event["kind"]: (event["level"], event["error"]) for event in lives("never_works")}
    assert levels["retrying"] == (logging.WARNING, "ConnectionError('down for good')")
    assert levels["failed"] == (logging.ERROR, "ConnectionError('down for good')")


def test_a_death_is_told_with_the_fingerprint_of_its_letter(
    lives: Callable[[str], Events], platform: PlatformApp
) -> None:
    for task in ("never_works", "is_refused", "is_killed", "hangs"):
        death = lives(task)[-1]
        letter = platform.store.letter(death["job"])
        assert letter is not None
        assert (death["kind"], death["details"]["fingerprint"]) == ("failed", letter["fingerprint"])


@pytest.mark.checklist(79)
def test_a_job_that_completed_tells_its_time_and_the_size_of_its_result(lives: Callable[[str], Events]) -> None:
    details = lives("succeeds")[-1]["details"]
    assert 0 < details["runtime"] < 5
    assert details["result"] == "list of 3"
    assert 10 < details["peak_mb"] < 2000


@pytest.mark.checklist(73)
def test_progress_is_told_as_it_is_reported(lives: Callable[[str], Events]) -> None:
    reports = [event["details"]["percent"] for event in lives("counts") if event["kind"] == "progress"]
    assert reports[0] == pytest.approx(33.3)
    assert reports[-1] == 100
