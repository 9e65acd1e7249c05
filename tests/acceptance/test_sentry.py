"""Sentry hears of deaths alone, once each; of a bug as one issue; of a schedule by how its job ended; of no secret."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import reported
from acceptance.workers import PLATFORM, Worker, running_worker
from sentry_ingest import Ingest, running_ingest
from tasks_platform.sealing import new_key
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

TOKEN, PASSWORD = "planted-token-81f3aa20c4", "planted-password-5d7e19b2"
Event = dict[str, Any]


@pytest.fixture(scope="module")
def ingest() -> Iterator[Ingest]:
    with running_ingest() as ingest:
        yield ingest


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, ingest: Ingest, logs: Path) -> Iterator[Worker]:
    environment = {
        "TASKS_MODULES": "acceptance.reported",
        "TASKS_SENTRY__DSN": ingest.dsn,
        "TASKS_SENTRY__ENVIRONMENT": "staging",
        "TASKS_SENTRY__RELEASE": "shop@1.2.3",
        "TASKS_SEALING__KEYS": new_key("k1"),
        "PLANTED_TOKEN": TOKEN,
        "PLANTED_PASSWORD": PASSWORD,
    }
    with running_worker(PLATFORM, server.url, logs / "sentry.log", environment=environment) as worker:
        yield worker


@pytest.fixture(scope="module")
def jobs(worker: Worker, ingest: Ingest) -> dict[str, str]:
    """Return the ids of jobs that have ended. What is killed comes last: it takes with it what is not sent yet."""
    sent = {
        "recovers": reported.recovers.apply_async(headers=scheduled("Nightly.count")),
        "too often": reported.recovers.apply_async(headers=scheduled("too-often")),
        "unknown": reported.recovers.apply_async(headers=scheduled("report:acme")),
        "dies": reported.has_a_bug.apply_async((0,), headers=scheduled("hourly")),
        **{f"bug {number}": reported.has_a_bug.apply_async((number,), tenant=f"t{number}") for number in (1, 2)},
    }
    login = reported.asks_for_a_login.delay().get(timeout=30)
    ids = {name: job.id for name, job in sent.items()} | {"login": str(login)}
    for name, job_id in ids.items():
        end = "completed" if name in {"recovers", "too often", "unknown"} else "failed"
        wait_for(lambda job_id=job_id, end=end: worker.told(end, job_id), 60, f"the end of {name}")
    wait_for(lambda: is_told(ingest, ids), 20, "what Sentry is to hear of these")
    ids["hangs"] = reported.hangs.apply_async(headers=scheduled("hang")).id
    ids["is killed"] = reported.is_killed.delay().id
    for name in ("hangs", "is killed"):  # the pool may take seconds to notice
        wait_for(lambda name=name: worker.told("failed", ids[name]), 60, f"the end of {name}")
    return ids


def scheduled(name: str) -> dict[str, Any]:
    """Return the headers of a job that the schedule *name* sent."""
    return {"platform": {"schedule": name}}


def is_told(ingest: Ingest, ids: dict[str, str]) -> bool:
    """Tell whether Sentry has heard of all that ended: two check-ins of three schedules, and each job that died."""
    check_ins = [item for kind, item in ingest.items if kind == "check_in"]
    return (
        len(check_ins) >= 6
        and all(ingest.events(job_id=ids[name]) for name in ("dies", "bug 1", "bug 2"))
        and len(ingest.events(job_id=ids["login"])) >= 3
    )


def the_event(ingest: Ingest, job_id: str) -> Event:
    """Return the one event about a job, when it has come."""
    wait_for(lambda: ingest.events(job_id=job_id), 20, "the event")
    (event,) = ingest.events(job_id=job_id)
    return event


def test_a_death_says_which_job_where_and_which_version(
    ingest: Ingest, jobs: dict[str, str], platform: PlatformApp
) -> None:
    event = the_event(ingest, jobs["bug 1"])
    about = {"task": "acceptance.reported.has_a_bug", "attempt": "3", "tenant": "t1", "queue": "default"}
    assert event["tags"].items() >= {**about, "seen": "by 1"}.items()
    assert (event["environment"], event["release"], event["level"]) == ("staging", "shop@1.2.3", "error")
    assert event["transaction"] == "acceptance.reported.has_a_bug"
    error = event["exception"]["values"][-1]
    assert (error["type"], error["value"]) == ("ZeroDivisionError", "1 / 0")
    assert error["stacktrace"]["frames"][-1]["function"] == "has_a_bug"
    assert all("vars" not in frame for frame in error["stacktrace"]["frames"])


@pytest.mark.checklist(79)
def test_one_bug_is_one_issue_under_the_fingerprint_of_its_letters(
    ingest: Ingest, jobs: dict[str, str], platform: PlatformApp
) -> None:
    deaths = [jobs["dies"], jobs["bug 1"], jobs["bug 2"]]
    issues = {tuple(the_event(ingest, job_id)["fingerprint"]) for job_id in deaths}
    letters = [platform.store.letter(job_id) for job_id in deaths]
    assert issues == {(letter["fingerprint"],) for letter in letters if letter is not None}
    assert len(issues) == 1


def test_earlier_attempts_are_breadcrumbs_and_so_is_what_the_last_one_wrote(
    ingest: Ingest, jobs: dict[str, str]
) -> None:
    crumbs = the_event(ingest, jobs["bug 2"])["breadcrumbs"]["values"]
    assert [crumb["message"] for crumb in crumbs if crumb["category"] == "attempt"] == [
        "attempt 1 failed: ZeroDivisionError: 2 / 0",
        "attempt 2 failed: ZeroDivisionError: 2 / 0",
    ]
    assert [crumb["message"] for crumb in crumbs if crumb["category"] == "acceptance.reported"] == ["working on 2"]


def test_a_retry_is_no_error(ingest: Ingest, jobs: dict[str, str]) -> None:
    assert ingest.events(job_id=jobs["recovers"]) == []


@pytest.mark.parametrize(("job", "error"), [("is killed", "WorkerLostError"), ("hangs", "TimeLimitExceeded")])
@pytest.mark.checklist(24)
def test_a_death_that_only_the_main_process_sees_is_one_event(
    ingest: Ingest, jobs: dict[str, str], job: str, error: str
) -> None:
    event = the_event(ingest, jobs[job])
    assert event["exception"]["values"][-1]["type"] == error
    assert "attempt 1 failed" in event["breadcrumbs"]["values"][0]["message"]


def test_nothing_else_is_an_event(ingest: Ingest, jobs: dict[str, str]) -> None:
    for job_id in (jobs["dies"], jobs["bug 1"], jobs["bug 2"], jobs["is killed"], jobs["hangs"]):
        the_event(ingest, job_id)
    told = {event.get("tags", {}).get("job_id") for event in ingest.events()}
    assert told <= set(jobs.values())
    #: What the function itself logged as an error, in two attempts, and its death.
    wait_for(lambda: len(ingest.events(job_id=jobs["login"])) == 3, 20, "the events of the login")


def test_no_secret_leaves(ingest: Ingest, jobs: dict[str, str]) -> None:
    wait_for(lambda: len(ingest.events(job_id=jobs["login"])) == 3, 20, "the events of the login")
    death = next(event for event in ingest.events(job_id=jobs["login"]) if "exception" in event)
    assert death["exception"]["values"][-1]["value"] == "ana was refused with <sealed>"
    assert death["contexts"]["login"] == {"new_password": "[Filtered]", "name": "ana"}
    everything = b"".join(ingest.bodies)
    assert TOKEN.encode() not in everything
    assert PASSWORD.encode() not in everything


@pytest.mark.parametrize(
    ("job", "monitor", "statuses"),
    [
        ("recovers", "nightly-count-", ["in_progress", "ok"]),
        ("dies", "hourly", ["in_progress", "error"]),
        ("hangs", "hang", ["in_progress", "error"]),
        ("unknown", "report-acme-", ["in_progress", "ok"]),
    ],
)
def test_a_check_in_is_closed_by_how_the_job_ended_and_a_retry_changes_nothing(
    ingest: Ingest, jobs: dict[str, str], job: str, monitor: str, statuses: list[str]
) -> None:
    def told() -> list[dict[str, Any]]:
        return [item for kind, item in ingest.items if kind == "check_in" and item["monitor_slug"].startswith(monitor)]

    wait_for(lambda: len(told()) >= len(statuses), 20, "the check-ins")
    assert [check_in["status"] for check_in in told()] == statuses
    assert len({check_in["check_in_id"] for check_in in told()}) == 1


def test_a_monitor_is_made_from_its_entry_and_none_for_what_fires_too_often(
    ingest: Ingest, jobs: dict[str, str]
) -> None:
    told = {item["monitor_slug"]: item.get("monitor_config") for kind, item in ingest.items if kind == "check_in"}
    (nightly,) = (config for name, config in told.items() if name.startswith("nightly-count-"))
    assert nightly["schedule"] == {"type": "crontab", "value": "0 2 * * *"}
    assert nightly["timezone"] == "Europe/Berlin"
    assert told["hourly"]["schedule"] == {"type": "interval", "value": 60, "unit": "minute"}
    assert "too-often" not in told


def test_a_message_that_is_no_task_is_reported_as_a_burial(
    ingest: Ingest, worker: Worker, jobs: dict[str, str], platform: PlatformApp
) -> None:
    with platform.connection_for_write() as connection:
        channel = connection.default_channel
        nothing = channel.prepare_message("nothing", content_encoding="utf-8", headers={"task": 7, "id": "no-task"})
        channel.basic_publish(nothing, exchange="", routing_key="default")
    event = the_event(ingest, "no-task")
    assert event["level"] == "error"


def test_a_failure_of_a_plain_task_is_reported(
    ingest: Ingest, worker: Worker, jobs: dict[str, str], platform: PlatformApp
) -> None:
    job = platform.send_task("acceptance.reported.plain", (3,), queue="default")
    event = the_event(ingest, job.id)
    assert event["exception"]["values"][-1]["value"] == "3 / 0"


@pytest.mark.parametrize("trouble", ["slow", "down"])
@pytest.mark.usefixtures("platform", "jobs")
def test_a_sentry_in_trouble_hurts_no_job_and_keeps_no_worker(
    server: RedisServer, ingest: Ingest, logs: Path, trouble: str
) -> None:
    dsn = ingest.dsn if trouble == "slow" else "http://key@127.0.0.1:9/1"
    environment = {"TASKS_MODULES": "acceptance.reported", "TASKS_SENTRY__DSN": dsn}
    ingest.answers.clear()
    try:
        name, options = f"{trouble}.log", ("-Q", trouble)
        with running_worker(PLATFORM, server.url, logs / name, *options, environment=environment) as worker:
            failing = [reported.has_a_bug.apply_async((n,), queue=trouble).id for n in range(10)]
            for job_id in failing:
                wait_for(lambda job_id=job_id: worker.told("failed", job_id), 40, "the death")
            begun = time.monotonic()
            worker.send(signal.SIGTERM)
            assert worker.wait() == 0
            assert time.monotonic() - begun < 15
    finally:
        ingest.answers.set()
