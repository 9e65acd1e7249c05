from __future__ import annotations

import email.message
import errno
import http.client
import smtplib
import socket
import sqlite3
import ssl
import urllib.error
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import billiard.exceptions
import botocore.exceptions
import kombu.exceptions
import psycopg.errors
import pydantic
import pytest
import redis.exceptions
import sqlalchemy.exc
import urllib3.exceptions
from hypothesis import strategies as st

from property_tests import given
from tasks_platform import errors
from tasks_platform.policy import Kind, classify, retry_after

TRANSIENT, PERMANENT, UNKNOWN = Kind.TRANSIENT, Kind.PERMANENT, Kind.UNKNOWN


class Response:
    """What requests and httpx hang on their errors."""

    def __init__(self, status_code: int, headers: dict[str, str] | None = None) -> None:
        self.status_code = status_code
        self.headers = headers or {}


class AnswerError(Exception):
    """As of requests, httpx: the status is on the response."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.response = Response(status, headers)


class StatusError(Exception):
    """As of aiohttp, of generated API clients: the status is on the error."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers


def urllib_error(status: int, headers: dict[str, str] | None = None) -> urllib.error.HTTPError:
    message = email.message.Message()
    for name, value in (headers or {}).items():
        message[name] = value
    return urllib.error.HTTPError("https://shop.example/", status, "", message, None)


def s3_error(status: int) -> botocore.exceptions.ClientError:
    return botocore.exceptions.ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")


HTTP_ERRORS = [AnswerError, StatusError, urllib_error, s3_error]
STATUSES = {
    **dict.fromkeys([408, 425, 429, 500, 502, 503, 504, 529, 599], TRANSIENT),
    **dict.fromkeys([400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 451, 499], PERMANENT),
    **dict.fromkeys([301, 304, 200], UNKNOWN),
}


@pytest.mark.checklist(29)
@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
@pytest.mark.parametrize("error", HTTP_ERRORS)
def test_an_http_status_says_what_it_means_whatever_library_brings_it(error, status, expected):
    assert classify(error(status)) is expected


class Order(pydantic.BaseModel):
    number: int


def invalid() -> pydantic.ValidationError:
    with pytest.raises(pydantic.ValidationError) as caught:
        Order.model_validate({"number": "seven"})
    return caught.value


def of_sql(state: str | None, *, lost: bool = False) -> sqlalchemy.exc.OperationalError:
    """Return what SQLAlchemy makes of a driver's error."""
    original = psycopg.OperationalError("driver") if state is None else psycopg.errors.lookup(state)("driver")
    return sqlalchemy.exc.OperationalError("UPDATE invoices", {}, original, connection_invalidated=lost)


def of_sqlite(*statements: str) -> sqlite3.Error:
    """Return the error of the last of *statements*."""
    with closing(sqlite3.connect(":memory:")) as database:
        for statement in statements[:-1]:
            database.execute(statement)
        with pytest.raises(sqlite3.Error) as caught:
            database.execute(statements[-1])
    return caught.value


def locked_database() -> sqlite3.Error:
    """Return the error of a writer that meets another one."""
    shared = "file:contended?mode=memory&cache=shared"
    with (
        closing(sqlite3.connect(shared, uri=True)) as one,
        closing(sqlite3.connect(shared, uri=True, timeout=0)) as two,
    ):
        one.execute("CREATE TABLE invoices (id)")
        one.execute("INSERT INTO invoices VALUES (1)")
        with pytest.raises(sqlite3.OperationalError) as caught:
            two.execute("INSERT INTO invoices VALUES (2)")
    return caught.value


def caused_by(cause: BaseException) -> errors.ResultNotStoredError:
    error = errors.ResultNotStoredError("the result could not be stored")
    error.__cause__ = cause
    return error


class GitHubLimitError(errors.TransientError):
    """Its author knows better what this 403 means."""

    status = 403


class NoAnswerError(TimeoutError):
    """As of clients that say 0 where there was no answer: not everything that is called status is one of HTTP."""

    status = 0


@pytest.mark.checklist(29)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        # ours
        (errors.TransientError(), TRANSIENT),
        (errors.ServiceUnavailableError("down"), TRANSIENT),
        (GitHubLimitError(), TRANSIENT),
        (errors.PermanentError(), PERMANENT),
        (errors.ServiceRefusedError(), PERMANENT),
        (errors.PayloadError(), PERMANENT),
        (errors.TaskDefinitionError(), PERMANENT),
        (errors.FollowedJobFailedError(), PERMANENT),
        (caused_by(redis.exceptions.ConnectionError()), TRANSIENT),
        (caused_by(TypeError("not JSON")), PERMANENT),
        (errors.ResultNotStoredError(), PERMANENT),
        # the network
        (ConnectionResetError(errno.ECONNRESET, "reset"), TRANSIENT),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), TRANSIENT),
        (BrokenPipeError(), TRANSIENT),
        (TimeoutError(), TRANSIENT),
        (NoAnswerError(), TRANSIENT),
        (OSError(errno.ETIMEDOUT, "timed out"), TRANSIENT),
        (OSError(errno.EHOSTUNREACH, "no route to host"), TRANSIENT),
        (OSError(errno.ENETUNREACH, "network is unreachable"), TRANSIENT),
        (OSError(errno.ENETDOWN, "network is down"), TRANSIENT),
        (socket.gaierror(socket.EAI_AGAIN, "temporary failure in name resolution"), TRANSIENT),
        (ssl.SSLEOFError(), TRANSIENT),
        (http.client.RemoteDisconnected(), TRANSIENT),
        (urllib.error.URLError(ConnectionRefusedError()), TRANSIENT),
        (urllib.error.URLError(socket.gaierror(socket.EAI_AGAIN, "")), TRANSIENT),
        (urllib.error.URLError("unknown url type: shop"), UNKNOWN),
        (urllib3.exceptions.ConnectTimeoutError(), TRANSIENT),
        (urllib3.exceptions.ReadTimeoutError(None, "/", "timed out"), TRANSIENT),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="s3"), TRANSIENT),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="s3"), TRANSIENT),
        (botocore.exceptions.NoCredentialsError(), UNKNOWN),
        # mail
        (smtplib.SMTPServerDisconnected(), TRANSIENT),
        (smtplib.SMTPConnectError(421, b"busy"), TRANSIENT),
        (smtplib.SMTPConnectError(-1, b"no answer"), TRANSIENT),
        (smtplib.SMTPDataError(451, b"later"), TRANSIENT),
        (smtplib.SMTPDataError(554, b"spam"), PERMANENT),
        (smtplib.SMTPSenderRefused(550, b"no", "a@x.example"), PERMANENT),
        (smtplib.SMTPRecipientsRefused({"a@x.example": (550, b"unknown")}), PERMANENT),
        (smtplib.SMTPRecipientsRefused({"a@x.example": (450, b"busy")}), TRANSIENT),
        (smtplib.SMTPRecipientsRefused({"a@x.example": (450, b""), "b@x.example": (550, b"")}), PERMANENT),
        # Redis and the broker
        (redis.exceptions.ConnectionError(), TRANSIENT),
        (redis.exceptions.TimeoutError(), TRANSIENT),
        (redis.exceptions.BusyLoadingError(), TRANSIENT),
        (redis.exceptions.ReadOnlyError(), TRANSIENT),
        (redis.exceptions.ResponseError("WRONGTYPE"), UNKNOWN),
        (kombu.exceptions.OperationalError(), TRANSIENT),
        # databases
        (of_sql("40P01"), TRANSIENT),
        (of_sql("40001"), TRANSIENT),
        (of_sql("55P03"), TRANSIENT),
        (of_sql("57P01"), TRANSIENT),
        (of_sql("08006"), TRANSIENT),
        (psycopg.errors.DeadlockDetected(), TRANSIENT),
        (of_sql(None, lost=True), TRANSIENT),
        (of_sql(None), UNKNOWN),
        (of_sql("42P01"), UNKNOWN),
        (locked_database(), TRANSIENT),
        (sqlalchemy.exc.OperationalError("UPDATE invoices", {}, locked_database()), TRANSIENT),
        (of_sqlite("SELECT locked"), UNKNOWN),
        (of_sqlite("CREATE TABLE doors (locked UNIQUE)", "INSERT INTO doors VALUES (1), (1)"), UNKNOWN),
        # the worker
        (billiard.exceptions.WorkerLostError(), TRANSIENT),
        (billiard.exceptions.TimeLimitExceeded(), TRANSIENT),
        (billiard.exceptions.SoftTimeLimitExceeded(), TRANSIENT),
        # wrong, or nobody knows
        (invalid(), PERMANENT),
        (ValueError(), UNKNOWN),
        (KeyError("order"), UNKNOWN),
        (ZeroDivisionError(), UNKNOWN),
        (FileNotFoundError(errno.ENOENT, "no such file"), UNKNOWN),
        (OSError(errno.ENOSPC, "no space left"), UNKNOWN),
        (ExceptionGroup("several", [ValueError()]), UNKNOWN),
    ],
    ids=repr,
)
def test_an_error_is_worth_another_attempt_or_not(error, expected):
    assert classify(error) is expected


@pytest.mark.parametrize("error", [AnswerError, StatusError, urllib_error])
@pytest.mark.parametrize("name", ["Retry-After", "retry-after"])
def test_a_server_says_in_seconds_when_to_come_back(error, name):
    assert retry_after(error(503, {name: "120"})) == 120


def test_a_server_says_with_a_date_when_to_come_back():
    in_a_minute = datetime.now(UTC) + timedelta(seconds=60)

    assert retry_after(AnswerError(503, {"Retry-After": format_datetime(in_a_minute, usegmt=True)})) == pytest.approx(
        60, abs=5
    )


def test_a_date_without_a_zone_is_of_utc():
    in_a_minute = (datetime.now(UTC) + timedelta(seconds=60)).replace(tzinfo=None)

    assert retry_after(AnswerError(503, {"Retry-After": format_datetime(in_a_minute)})) == pytest.approx(60, abs=5)


def test_an_error_of_ours_says_when_to_come_back():
    assert retry_after(errors.ServiceUnavailableError("busy", retry_after=7.5)) == 7.5
    assert retry_after(errors.ServiceUnavailableError("busy", retry_after=-7.5)) == 0


@pytest.mark.parametrize(
    "value", ["", "soon", "-5", "1.5", "²", "Wed, 99 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 +9999"]
)
def test_what_cannot_be_read_says_nothing(value):
    assert retry_after(AnswerError(503, {"Retry-After": value})) is None


def test_a_date_that_is_past_means_at_once():
    assert retry_after(AnswerError(503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})) == 0


@pytest.mark.parametrize("value", ["9" * 12, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_no_server_can_ask_for_longer_than_a_month(value):
    assert retry_after(AnswerError(503, {"Retry-After": value})) == 30 * 86400


@pytest.mark.parametrize(("value", "expected"), [(float("inf"), 30 * 86400), (float("nan"), 0)])
def test_no_error_can_ask_for_what_is_no_time(value, expected):
    assert retry_after(errors.ServiceUnavailableError("busy", retry_after=value)) == expected


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d ?[-+A-Z0-9]{0,6}\Z"))
def test_whatever_a_server_sends_is_a_bounded_time_or_nothing(value):
    seconds = retry_after(AnswerError(503, {"Retry-After": value}))

    assert seconds is None or 0 <= seconds <= 30 * 86400


@pytest.mark.parametrize("error", [ValueError(), AnswerError(503), urllib_error(503), StatusError(503)])
def test_an_error_without_a_wish_says_nothing(error):
    assert retry_after(error) is None
