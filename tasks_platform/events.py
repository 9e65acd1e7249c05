"""What happens to a job, told to whoever listens. The core tells; nothing a listener does comes back."""

from __future__ import annotations

import difflib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeVar

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.sealing import censored_error, censored_value

log = logging.getLogger(__name__)


class EventKind(StrEnum):
    """The moments of a job's life, each with the details that its event has."""

    #: A run begins: ``waited`` (seconds since it was due, at a first attempt, where the sender told).
    STARTED = "started"
    #: The job succeeded: ``runtime`` (seconds), ``result`` (its kind and size, never its value), ``peak_mb`` (the most
    #: memory that its process has needed so far).
    COMPLETED = "completed"
    #: The run failed and the job is tried again: ``again_in`` (seconds); ``error``.
    RETRYING = "retrying"
    #: The job is dead: ``fingerprint`` (that of its letter), ``parked`` (a flow waits for it); ``error``.
    FAILED = "failed"
    #: The process of a run died, or its message was delivered again: ``reason``.
    STALLED = "stalled"
    #: The run tells how far it is: ``percent``, ``message``.
    PROGRESS = "progress"
    #: The job was set aside until something is free or well again, at no cost: ``reason``.
    HELD = "held"
    #: The job was ended by a person, a flow or its expiry: ``reason``.
    CANCELLED = "cancelled"
    #: The run ended without a result, because it wanted to: ``reason``.
    SKIPPED = "skipped"

    @property
    def level(self) -> int:
        """How much it matters, as ``logging`` counts."""
        return _LEVELS[self]


_LEVELS: Final = {
    EventKind.STARTED: logging.INFO,
    EventKind.COMPLETED: logging.INFO,
    EventKind.RETRYING: logging.WARNING,
    EventKind.FAILED: logging.ERROR,
    EventKind.STALLED: logging.WARNING,
    EventKind.PROGRESS: logging.DEBUG,
    EventKind.HELD: logging.INFO,
    EventKind.CANCELLED: logging.INFO,
    EventKind.SKIPPED: logging.INFO,
}


class Subject(Protocol):
    """What an event is about: a run is one."""

    @property
    def task(self) -> str: ...  # noqa: D102 - as in Event
    @property
    def job_id(self) -> str: ...  # noqa: D102
    @property
    def attempt(self) -> int: ...  # noqa: D102
    @property
    def queue(self) -> str | None: ...  # noqa: D102
    @property
    def worker(self) -> str: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One moment of a job's life."""

    kind: EventKind
    task: str
    job_id: str
    #: Counted from 1.
    attempt: int
    #: The platform's header of the message: tenant, flow, schedule.
    headers: Mapping[str, Any]
    queue: str | None
    #: The worker's node name.
    worker: str
    #: Seconds since 1970.
    at: float
    #: What ``EventKind`` says of the kind; never an argument or a result, nor a secret that the run opened.
    details: Mapping[str, Any]
    error: BaseException | None = None

    @property
    def tenant(self) -> str | None:
        """The organization the job works for."""
        return self.headers.get("tenant")

    @property
    def flow_id(self) -> str | None:
        """The flow the job is a step of."""
        return self.headers.get("flow")

    @property
    def schedule(self) -> str | None:
        """The schedule that fired the job."""
        return self.headers.get("schedule")


Listener = Callable[[Event], object]
L = TypeVar("L", bound=Listener)
_listeners: dict[EventKind, tuple[Listener, ...]] = {}


def emit(kind: EventKind, job: Subject, *, error: BaseException | None = None, **details: Any) -> None:
    """Tell the listeners of *kind*. Never fails, and costs next to nothing where nobody listens."""
    if not (listeners := _listeners.get(kind)):
        return
    event = Event(
        kind=kind,
        task=job.task,
        job_id=job.job_id,
        attempt=job.attempt,
        headers=job.headers,
        queue=job.queue,
        worker=job.worker,
        at=time.time(),
        details=censored_value(details),
        error=None if error is None else censored_error(error),
    )
    for listener in listeners:
        try:
            listener(event)
        except Exception:
            log.exception("a listener failed when told that %s[%s] is %s", job.task, job.job_id, kind)


def has_listeners(kind: EventKind) -> bool:
    """Tell whether anybody listens: where not, details need not be computed."""
    return bool(_listeners.get(kind))


def listen(listener: Listener, kinds: Iterable[EventKind] = EventKind) -> None:
    """Tell *listener* of *kinds* from now on, in this process and those it forks."""
    for kind in kinds:
        if listener not in (known := _listeners.get(kind, ())):
            _listeners[kind] = (*known, listener)


def stop_listening(listener: Listener) -> None:
    """Tell *listener* nothing more."""
    for kind, known in _listeners.items():
        _listeners[kind] = tuple(other for other in known if other != listener)


def on_event(*kinds: EventKind | str) -> Callable[[L], L]:
    """Call the function below at these moments of every job's life; at all of them if none is named.

    It is called where the moment is seen: in the process that runs the job, or, where that died, in the worker's
    main process; either waits for it, so it has to be short. What it raises is logged and changes nothing.

    Raises:
        TaskDefinitionError: if there is no such moment; the message says what was probably meant.

    """
    chosen = [_kind(name) for name in kinds] or list(EventKind)

    def begin(listener: L) -> L:
        listen(listener, chosen)
        return listener

    return begin


def _kind(name: EventKind | str) -> EventKind:
    try:
        return EventKind(name)
    except ValueError:
        meant = difflib.get_close_matches(str(name), list(EventKind), 1)
        hint = f"did you mean {str(meant[0])!r}?" if meant else f"they are {', '.join(EventKind)}"
        raise TaskDefinitionError(f"on_event({name!r}): a job has no such moment; {hint}") from None
