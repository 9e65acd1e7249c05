"""An error as others may see it."""

from __future__ import annotations

import traceback
from typing import Any

from tasks_platform.errors import CensoredError
from tasks_platform.sealing.censor import censored, censored_value, knows_any, leaks


def censored_error(error: BaseException) -> BaseException:
    """Return *error* itself if it shows no secret of the current run, else one like it that shows none.

    It is of the same type where that can be made without the secret, and a `CensoredError` that names the type
    where it cannot. Its traceback is kept, and its causes are censored, too.
    """
    return _like(error, set()) if knows_any() and leaks(_shown(error)) else error


def _like(error: BaseException, seen: set[int]) -> BaseException:
    seen.add(id(error))
    copy = _of_same_type(error, seen) or CensoredError(f"{type(error).__name__}: {censored(_text(error))}")
    copy.__traceback__ = error.__traceback__
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    copy.__cause__ = None if before is None or id(before) in seen else _like(before, seen)
    return copy


def _of_same_type(error: BaseException, seen: set[int]) -> BaseException | None:
    kind = type(error)
    try:
        args = tuple(_clean(value, seen) for value in error.args)
        copy = kind.__new__(kind, *args)
        copy.args = args
        copy.__dict__.update({name: _clean(value, seen) for name, value in vars(error).items()})
        return None if leaks(f"{_text(copy)}\n{copy!r}\n{vars(copy)}") else copy
    except Exception:  # noqa: BLE001 - a type of its own making; the general one stands in
        return None


def _clean(value: Any, seen: set[int]) -> Any:
    if not isinstance(value, BaseException):
        return censored_value(value)
    # Celery's Retry has itself among its arguments
    return f"{type(value).__name__}" if id(value) in seen else _like(value, seen)


def _shown(error: BaseException) -> str:
    """Return all that is shown of *error* and its causes."""
    text = "".join(traceback.format_exception(error))
    try:
        return f"{text}\n{error!r}\n{error.args}\n{vars(error)}"
    except Exception:  # noqa: BLE001 - somebody's __repr__ may raise anything
        return text


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as bug:  # noqa: BLE001 - somebody's __str__ may raise anything
        return f"(its message cannot be shown: {type(bug).__name__})"
