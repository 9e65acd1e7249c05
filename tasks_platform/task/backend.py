"""The result backend: Celery's on Redis, which decides what becomes of a result that cannot be stored.

All that the platform needs of results and of the counting of chords lies here, beside the tracer that calls it, and not
in the store, which knows no Celery: the store's records are the platform's, the backend's keys are Celery's.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

from celery import states
from celery.backends.redis import RedisBackend
from celery.exceptions import BackendStoreError, Reject
from kombu.utils.encoding import bytes_to_str
from kombu.utils.url import maybe_sanitize_url
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004 - Redis's own are meant
from redis.retry import Retry

from tasks_platform.broker.sentinel import connection_options, each_of, is_sentinel
from tasks_platform.errors import ResultNotStoredError
from tasks_platform.events import EventKind, emit, has_listeners
from tasks_platform.policy import Run, Verdict
from tasks_platform.task.envelope import own_headers
from tasks_platform.task.insist import TROUBLE, insist
from tasks_platform.task.job_ids import handing_on
from tasks_platform.task.retention import keep_result, keeps_all
from tasks_platform.task.running import run_of
from tasks_platform.task.settling import decide, settle, tell
from tasks_platform.task.sizes import peak_mb, size_of
from tasks_platform.task.state import State
from tasks_platform.task.tenant import acting_for

log = logging.getLogger(__name__)
#: Seconds between two looks whether the one that claimed to send a chord's body has done it.
_CLAIM_POLL = 1.0
#: Bytes of a result for which it is worth waiting: many such are not to be kept here, and sent in one step.
_LARGE = 100_000
#: States that another one follows.
_PASSING = frozenset({states.STARTED, states.RETRY, "PROGRESS"})


class PlatformBackend(RedisBackend):
    """Redis results that outlive a restart of the server, and failures that are decided once."""

    # Celery's own, which its type stubs leave out
    app: Any
    expires: int | None
    failure_expires: int | None
    result_consumer: Any
    url: str | None
    _MAX_STR_VALUE_SIZE: int

    def as_uri(self, include_password: bool = False) -> str:  # noqa: FBT001, FBT002
        """Return the address, without a password unless it is asked for."""
        url = self.url or ""
        return url if include_password else ";".join(map(maybe_sanitize_url, each_of(url)))

    def mark_as_done(  # noqa: D102 - Celery's own
        self,
        task_id: str,
        result: Any,
        request: Any = None,
        store_result: bool = True,  # noqa: FBT001, FBT002
        state: str = states.SUCCESS,
    ) -> None:
        if store_result and request is not None and self._owe(task_id, result, request, state):
            self._tell_completed(request, result)
            return
        try:
            insist(partial(super().mark_as_done, task_id, result, request, store_result, state))
        except (Reject, MemoryError):
            raise
        except Exception as error:
            task = self.app.tasks.get(getattr(request, "task", None))
            if task is None or not hasattr(task, "failing"):
                raise
            self._settle(task, request, error)
        else:
            self._tell_completed(request, result)
            if request is not None and request.chord and _is_repeated(request):
                while not self.count_again(request, result):
                    time.sleep(_CLAIM_POLL)

    def store_result(self, task_id: str, result: Any, state: str, *args: Any, **kwargs: Any) -> Any:
        """Store a state; one that only tells watchers how far the job is may get lost, the job must not."""
        try:
            stored = super().store_result(task_id, result, state, *args, **kwargs)
        except TROUBLE:
            if state not in _PASSING:
                raise
            log.warning("%s: its state %s could not be stored", task_id, state, exc_info=True)
            return result
        task = self.app.tasks.get(getattr(kwargs.get("request"), "task", None))
        if state in states.READY_STATES and hasattr(task, "retention"):
            keep_result(task, task_id, state)
        return stored

    def _store_result(
        self, task_id: str, result: Any, state: str, traceback: Any = None, request: Any = None, **_: Any
    ) -> Any:
        """Store a state together with those of other threads; that a job has begun only if it does not end at once."""
        written = partial(self._written, task_id, result, state, traceback, request)
        if state == states.STARTED:
            self.app.job_states.store_soon(task_id, written)
        else:
            self.ensure(self.app.job_states.store, (task_id, written()))
        return result

    def _get_result_meta(  # noqa: PLR0913, PLR0917 - Celery's own
        self,
        result: Any,
        state: str,
        traceback: Any,
        request: Any,
        format_date: bool = True,  # noqa: FBT001, FBT002
        encode: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[str, Any]:
        if self._tells_all or not format_date:
            return super()._get_result_meta(result, state, traceback, request, format_date, encode)  # type: ignore[misc, no-any-return]
        # as Celery writes it, which looks two settings up for each
        meta = {
            "status": state,
            "result": result,
            "traceback": traceback,
            "children": self.current_task_children(request),
            "date_done": datetime.now(self.app.timezone).isoformat() if state in states.READY_STATES else None,
        }
        for name, value in (("group_id", "group"), ("parent_id", "parent_id")):
            if found := getattr(request, value, None):
                meta[name] = found
        return meta

    @cached_property
    def _tells_all(self) -> bool:
        """Whether the result says of its job what the message said."""
        return bool(self.app.conf.find_value_for_key("extended", "result"))

    def _written(self, task_id: str, result: Any, state: str, traceback: Any, request: Any) -> State:
        meta = self._get_result_meta(result, state, traceback, request)
        text = self.encode({**meta, "task_id": bytes_to_str(task_id)})
        if len(text) > self._MAX_STR_VALUE_SIZE:
            raise BackendStoreError("value too large for Redis backend", state=state, task_id=task_id)  # type: ignore[call-arg]
        seconds = (self.failure_expires if state == states.FAILURE else None) or self.expires
        return State(self.get_key_for_task(task_id), text, seconds)

    def on_chord_part_return(self, request: Any, state: str, result: Any, propagate: Any = None, **kwargs: Any) -> None:
        """Count a part; the body that a last part sends works for the same tenant."""
        with handing_on(request.group or request.id), acting_for(own_headers(request).get("tenant")):
            super().on_chord_part_return(request, state, result, propagate, **kwargs)

    def _chord_publish_claim_expires(self, initial_expires: int, callback: Any) -> int:
        """Let the claim of one that died while it sent the body run out soon: the body's id lets it be sent once."""
        return initial_expires

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Leave listening for the result to whoever asks for it: a caller of many jobs asks for few of them."""

    def on_result_fulfilled(self, result: Any) -> None:
        """Stop listening for *result* when there is something to say to the server anyway.

        A handle may be deleted at any place, where nobody can wait for a server that is away.
        """
        consumer = self.result_consumer
        if (channel := consumer._get_key_for_task(result.id)) in consumer.subscribed_to:  # noqa: SLF001 - as its own
            consumer._pending_unsubscribe.add(channel)  # noqa: SLF001

    def count_again(self, request: Any, result: Any) -> bool:
        """Count the part of a run that may have been counted; False while somebody claims to send the body.

        If that one died, its claim runs out, and whoever counts again then sends the body.
        """
        self.on_chord_part_return(request, states.SUCCESS, result)
        claim = self.client.get(self.get_key_for_group(request.group, ".c"))
        return claim in {None, b"done"}

    def _params_from_url(self, url: str, defaults: dict[str, Any]) -> dict[str, Any]:
        if not is_sentinel(url):
            return super()._params_from_url(url, defaults)  # type: ignore[misc, no-any-return]
        kept = {name: value for name, value in defaults.items() if name not in {"host", "port"}}
        return {**kept, **connection_options(url)}

    def _create_client(self, **params: Any) -> Any:
        retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), retries=14)
        return super()._create_client(  # type: ignore[misc]
            **params, retry=retry, retry_on_error=[ConnectionError, TimeoutError]
        )

    def _tell_completed(self, request: Any, result: Any) -> None:
        """Tell those who listen that a job has succeeded; plain Celery tasks have no run that began."""
        if has_listeners(EventKind.COMPLETED) and (began := getattr(request, "began", None)) is not None:
            run = run_of(self.app.tasks[request.task], request, request.args, request.kwargs)
            runtime = (datetime.now(UTC) - began).total_seconds()
            emit(EventKind.COMPLETED, run, runtime=runtime, result=size_of(result), peak_mb=peak_mb())

    def _owe(self, task_id: str, result: Any, request: Any, state: str) -> bool:
        """Let a result be stored before its message is acknowledged, and do not wait; False if that cannot be."""
        task = self.app.tasks.get(request.task)
        if not self.app.job_states.can_owe or request.chord or request.ignore_result or request.is_eager:
            return False
        if not hasattr(task, "failing") or not keeps_all(task):
            return False
        try:
            written = self._written(task_id, self.encode_result(result, state), state, None, request)
        except Exception:  # noqa: BLE001 - whoever waits for it hears of it
            return False
        if len(written.text) > _LARGE:
            return False
        self.app.job_states.owe(task_id, written, partial(self._settle, task, request))
        return True

    def _settle(self, task: Any, request: Any, error: Exception) -> None:
        """Decide what becomes of a run that succeeded and whose outcome could not be stored.

        The tracer goes on and acknowledges: not every pool can be told otherwise from here.
        """
        failure = ResultNotStoredError(
            f"{task.name}[{request.id}] succeeded, but its result could not be stored: {error!r}"
        )
        failure.__cause__ = error
        run = run_of(task, request, request.args, request.kwargs)
        try:
            verdict = insist(partial(self._act, task, run, request, failure))
        except Exception as trouble:
            raise Reject(trouble, requeue=True) from trouble
        tell(run, verdict, failure)

    def _act(self, task: Any, run: Run, request: Any, failure: Exception) -> Verdict:
        verdict = decide(task, run, failure)
        settle(task, run, request, verdict, failure)
        if verdict.final and not verdict.parked:
            self.mark_as_failure(request.id, failure, request=request)
        return verdict


def _is_repeated(request: Any) -> bool:
    return bool(request.retries or (request.delivery_info or {}).get("redelivered"))
