"""What escapes from Celery's tracer: the prefork pool reports it, threads and the solo pool let it fall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionInfo
from celery import states
from celery.app.trace import TraceInfo, trace_ok_t
from celery.exceptions import Reject


def contained(trace: Callable[..., Any]) -> Callable[..., Any]:
    """Return *trace* such that it answers with what escapes from it, as it answers with a task's own errors.

    Otherwise nobody gives the message back, and the slot of its run is never free again.
    """

    def traced(*args: Any, **kwargs: Any) -> Any:
        try:
            return trace(*args, **kwargs)
        except (Reject, MemoryError) as escaped:
            return trace_ok_t(ExceptionInfo(internal=True), TraceInfo(states.FAILURE, escaped), 0.0, None)

    return traced
