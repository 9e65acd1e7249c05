"""A line of the log: for people, or one JSON object."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import structlog

from tasks_platform.observe.context import current_job
from tasks_platform.sealing import censored

Line = dict[str, Any]
#: What carries the job of a record that is not about the one that runs.
ABOUT = "_about_job"
#: What every record has; anything else was given as ``extra``.
_STANDARD = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"})

_encode = json.JSONEncoder(default=repr).encode
_structured = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


class LineFormatter(logging.Formatter):
    """Turns records into lines: those of structlog, whose message is a dictionary, and those of plain logging."""

    def __init__(self, style: Literal["console", "json"], *, colors: bool = False) -> None:
        super().__init__()
        self._render = _for_people(colors=colors) if style == "console" else _as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of *record*: time, level, origin, what it says, the job it is about; no secret."""
        fields = record.__dict__
        said = dict(record.msg) if isinstance(record.msg, dict) else {"event": record.getMessage(), **_extra(fields)}
        error = _error(said.pop("exc_info", None) or record.exc_info)
        about = fields.get(ABOUT)
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.processName,
            "thread": record.threadName,
            "event": said.pop("event", ""),
            **said,
            **(current_job() if about is None else about),
        }
        return censored(self._render(line, error))


def _extra(fields: dict[str, Any]) -> Line:
    """Return what was given besides the message; Celery gives what its message was made of, arguments included."""
    extra = {name: fields[name] for name in fields.keys() - _STANDARD if name != ABOUT}
    if fields["name"].startswith("celery."):
        extra.pop("data", None)
    if fields["stack_info"]:
        extra["stack"] = fields["stack_info"]
    return extra


def _error(given: Any) -> Any:
    """Return the three parts of an error however it was given; None if there is none."""
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    parts = sys.exc_info() if given is True else given
    return parts if parts and parts[0] is not None else None


def _as_json(line: Line, error: Any) -> str:
    if error is not None:
        line["exception"] = _structured(error)
    try:
        return _encode(line)
    except (TypeError, ValueError):  # keys that are no text, or a value that holds itself
        return _encode({str(name): value if isinstance(value, str) else repr(value) for name, value in line.items()})


def _for_people(*, colors: bool) -> Callable[[Line, Any], str]:
    console = structlog.dev.ConsoleRenderer(
        colors=colors, sort_keys=False, pad_level=False, exception_formatter=structlog.dev.plain_traceback
    )

    def render(line: Line, error: Any) -> str:
        line["timestamp"] = line["timestamp"][11:23]
        del line["process"], line["thread"]
        if error is not None:
            line["exc_info"] = error
        return console(None, "", line)

    return render
