"""Log lines without what was opened in the run that writes them, whichever logger and handler they go through."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any

from tasks_platform.sealing.censor import censored, censored_value, leaks

#: What every record has; anything else was given as ``extra``.
_STANDARD = frozenset(vars(logging.makeLogRecord({})))


class CensorFilter(logging.Filter):
    """A filter for handlers that also takes care of what was given as ``extra``."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without secrets."""
        _censor(record)
        for name in record.__dict__.keys() - _STANDARD:
            record.__dict__[name] = censored_value(record.__dict__[name])
        return True


def censor_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Let an event of structlog pass without secrets; its place is after what renders exceptions as text."""
    clean: MutableMapping[str, Any] = censored_value(event)
    return clean


class _Factory:
    """Makes records as *inner* does, without secrets."""

    def __init__(self, inner: Callable[..., logging.LogRecord]) -> None:
        self._inner = inner

    def __call__(self, *args: Any, **options: Any) -> logging.LogRecord:
        record = self._inner(*args, **options)
        _censor(record)
        return record


def censor_all_records() -> None:
    """From now on let no record of this process hold a secret of the run that it was made in."""
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, _Factory):
        logging.setLogRecordFactory(_Factory(factory))


def _censor(record: logging.LogRecord) -> None:
    if isinstance(record.msg, MutableMapping):  # structlog's, on its way to its formatter
        record.msg = censored_value(record.msg)
    else:
        _censor_message(record)
    if record.exc_info and not record.exc_text:
        _censor_traceback(record)


def _censor_message(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit: logging reports it, with the arguments
        record.args = censored_value(record.args)
        return
    if (clean := censored(text)) != text:
        record.msg, record.args = clean, ()


def _censor_traceback(record: logging.LogRecord) -> None:
    try:
        text = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    except Exception:  # noqa: BLE001 - whatever it is, the handler comes upon it, too
        return
    if leaks(text):
        record.exc_text = censored(text).rstrip("\n")
