from __future__ import annotations

import io
import json
import logging
import sys
from datetime import datetime

import pytest
import structlog

from runs import a_run
from tasks_platform import EventKind, events
from tasks_platform.events import emit
from tasks_platform.observe.logs.lives import tell_lives
from tasks_platform.observe.logs.rendering import LineFormatter
from tasks_platform.policy import enter_run, leave_run


class Log:
    """A logger and what it wrote."""

    def __init__(self, style):
        self.written = io.StringIO()
        self.logger = logging.Logger("shop.orders", logging.DEBUG)  # noqa: LOG001 - one for each test
        handler = logging.StreamHandler(self.written)
        handler.setFormatter(LineFormatter(style))
        self.logger.addHandler(handler)

    @property
    def lines(self):
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


@pytest.fixture
def log():
    return Log("json")


@pytest.fixture
def running():
    """Let a run be in progress."""
    run = a_run(attempt=2, headers={"tenant": "acme", "flow": "billing", "schedule": "nightly"}, queue="email")
    token = enter_run(run)
    yield run
    leave_run(token)


def test_a_line_is_an_object_with_time_level_and_origin(log):
    log.logger.warning("%d orders", 3)

    (line,) = log.lines
    assert (line["level"], line["logger"], line["event"]) == ("warning", "shop.orders", "3 orders")
    assert datetime.fromisoformat(line["timestamp"]).utcoffset().total_seconds() == 0
    assert "job_id" not in line


@pytest.mark.checklist(80)
def test_a_line_says_which_job_it_is_about(log, running):
    log.logger.info("sent")

    (line,) = log.lines
    job = {"job_id": "job-1", "task": "shop.tasks.ship", "attempt": 2, "queue": "email"}
    assert line.items() >= {**job, "tenant": "acme", "flow": "billing", "schedule": "nightly"}.items()


def test_what_is_given_besides_the_message_is_a_field_and_never_hides_the_job(log, running):
    log.logger.info("sent", extra={"order": 7, "job_id": "another"})

    assert log.lines[0]["order"] == 7
    assert log.lines[0]["job_id"] == "job-1"


def test_a_line_of_structlog_is_one_like_any_other(log, running):
    structured = structlog.wrap_logger(
        log.logger,
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    )
    structured.bind(order=7).info("sent", parcels=2)

    assert (
        log.lines[0].items() >= {"event": "sent", "order": 7, "parcels": 2, "job_id": "job-1", "level": "info"}.items()
    )


def test_an_error_is_a_field_with_its_frames_and_without_its_variables(log):
    def ship():
        token = "x0-planted"  # noqa: F841 - looked for below
        raise ValueError("no address")

    try:
        ship()
    except ValueError:
        log.logger.exception("not sent")

    (line,) = log.lines
    (error,) = line["exception"]
    assert (error["exc_type"], error["exc_value"]) == ("ValueError", "no address")
    assert [frame["name"] for frame in error["frames"]][-1] == "ship"
    assert "x0-planted" not in log.written.getvalue()


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), b"\xff", "\udcff", {("a", 1): 2}])
def test_a_value_of_any_kind_is_written(log, value):
    log.logger.info("odd", extra={"value": value})

    assert log.lines[0]["event"] == "odd"


def test_a_value_that_holds_itself_is_written(log):
    ring: list[object] = []
    ring.append(ring)
    log.logger.info("odd", extra={"value": ring})

    assert log.lines[0]["value"] == "[[...]]"


def test_what_celery_made_its_message_of_is_not_repeated(log):
    log.logger.name = "celery.app.trace"
    log.logger.info("Task succeeded", extra={"data": {"args": "('secret',)"}})

    assert "secret" not in log.written.getvalue()


def test_a_line_for_people_begins_with_the_time_and_ends_with_the_job(running):
    log = Log("console")
    log.logger.info("sent")

    (line,) = log.written.getvalue().splitlines()
    assert "[info] sent" in line
    assert line.endswith("tenant=acme flow=billing schedule=nightly")


class TestLives:
    @pytest.fixture(autouse=True)
    def nobody_else_listens(self, monkeypatch):
        monkeypatch.setattr(events, "_listeners", {})

    def told(self, caplog, level, *, execution=True):
        tell_lives(level, execution=execution)
        caplog.set_level(logging.DEBUG, "tasks_platform.events")
        for kind in EventKind:
            emit(kind, a_run())
        return [record.getMessage() for record in caplog.records]

    @pytest.mark.checklist(73)
    def test_from_a_level_on(self, caplog):
        assert self.told(caplog, logging.WARNING) == ["retrying", "failed", "stalled"]

    @pytest.mark.checklist(63)
    def test_without_runs_that_go_well(self, caplog):
        told = self.told(caplog, logging.INFO, execution=False)
        assert told == ["retrying", "failed", "stalled", "held", "cancelled", "skipped"]

    def test_a_death_is_written_with_its_traceback_and_a_retry_without(self, caplog):
        tell_lives(logging.INFO, execution=True)
        try:
            raise ConnectionError("down")  # noqa: TRY301 - for its traceback
        except ConnectionError as error:
            emit(EventKind.RETRYING, a_run(), error=error, again_in=2.0)
            emit(EventKind.FAILED, a_run(), error=error, fingerprint="abc", parked=False)

        retry, death = caplog.records
        assert (retry.levelno, retry.again_in, retry.error) == (logging.WARNING, 2.0, "ConnectionError: down")
        assert retry.exc_info is None
        assert (death.levelno, death.fingerprint) == (logging.ERROR, "abc")
        assert death.exc_info[0] is ConnectionError

    def test_an_event_is_about_its_own_job_whichever_runs(self, running):
        log = Log("json")
        tell_lives(logging.INFO, execution=True)
        logger = logging.getLogger("tasks_platform.events")
        logger.addHandler(log.logger.handlers[0])
        try:
            emit(EventKind.FAILED, a_run(job_id="the-next-step"))
        finally:
            logger.removeHandler(log.logger.handlers[0])

        assert log.lines[0]["job_id"] == "the-next-step"


def test_where_no_error_is_being_handled_none_is_shown(log):
    log.logger.info("odd", exc_info=True)  # noqa: LOG014 - what is tested

    assert sys.exc_info() == (None, None, None)
    assert "exception" not in log.lines[0]
