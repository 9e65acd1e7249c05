"""``censored(text)``: a text without what was opened in the run that it tells of."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from tasks_platform.sealing.spellings import texts_in
from tasks_platform.sealing.traces import Traces

#: What stands where a secret was.
HIDDEN: Final = "<sealed>"


class Secrets:
    """What one run has opened or sealed."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._traces = Traces()

    def add(self, value: Any) -> None:
        """Take note of the texts in a plain JSON *value*."""
        for text in texts_in(value):
            if text not in self._texts:
                self._texts.add(text)
                self._traces.add(text)

    def absorb(self, other: Secrets) -> None:
        """Take note of what a run inside this one knows."""
        self.add(list(other._texts))

    def censor(self, text: str) -> str:
        """Return *text* without them, also where it holds only the beginning or end of a long one."""
        clean, reached = [], 0
        for start, end in self._traces.find(text):
            clean += [text[reached:start], HIDDEN]
            reached = end
        return "".join([*clean, text[reached:]]) if clean else text

    def __bool__(self) -> bool:
        return bool(self._traces)


#: Of the run that this code is part of; after it has ended, until the next one, for Celery still talks about it.
_own: ContextVar[Secrets | None] = ContextVar("tasks_platform_secrets", default=None)
#: Of all runs of this process, and of some that have just ended: a thread that a run started is in no context of ours.
_running: set[Secrets] = set()
_ended: deque[Secrets] = deque(maxlen=16)


class opened_in_a_run:  # noqa: N801 - used as a function is
    """Remember what is opened and sealed inside the block as the secrets of one run."""

    __slots__ = ("_around", "_inside")

    def __enter__(self) -> None:
        """Begin."""
        self._around, self._inside = _own.get(), Secrets()
        _own.set(self._inside)
        _running.add(self._inside)

    def __exit__(self, *_: object) -> None:
        """End, whatever came of it; a run around this one goes on."""
        around, inside = self._around, self._inside
        _running.discard(inside)
        if inside:
            _ended.append(inside)
        if around is not None and around in _running:
            around.absorb(inside)
            _own.set(around)


def notice(value: Any) -> bool:
    """Take note that *value*, plain JSON, is secret in the current run; False where there is none."""
    if (own := _own.get()) is None or own not in _running:
        return False
    own.add(value)
    return True


def censored(text: str) -> str:
    """Return *text* with `HIDDEN` in place of every secret that was opened in the current run.

    After the run it still holds, until the next run of this thread. In a thread that is in no run, the secrets of all
    runs of this process count, and those of some that have just ended. A secret is found as it stands in URLs, JSON,
    ``repr`` and base64, and 12 characters of it where somebody cut it off at its end or beginning; of an address the
    host or domain alone is no secret. Secrets of fewer than 4 characters are not looked for.
    """
    for secrets in _known():
        text = secrets.censor(text)
    return text


def leaks(text: str) -> bool:
    """Tell whether *text* holds a secret of the current run."""
    return any(secrets.censor(text) != text for secrets in _known())


def knows_any() -> bool:
    """Tell whether the current run has any secrets."""
    return any(_known())


def censored_value(value: Any) -> Any:
    """Return *value* with every text inside its mappings and sequences censored."""
    return _censored_inside(value) if knows_any() else value


def _censored_inside(value: Any) -> Any:
    if isinstance(value, str):
        return censored(value)
    if isinstance(value, bytes):
        text = value.decode("utf-8", "surrogateescape")
        return value if (clean := censored(text)) == text else clean.encode("utf-8", "surrogateescape")
    if isinstance(value, Mapping):
        return {key: _censored_inside(item) for key, item in value.items()}
    if type(value) in {list, tuple, set, frozenset}:
        return type(value)(_censored_inside(item) for item in value)
    if type(value) in {int, float} and leaks(str(value)):
        return HIDDEN
    return value


def _known() -> tuple[Secrets, ...]:
    own = _own.get()
    return (*_running, *_ended) if own is None else (own,)
