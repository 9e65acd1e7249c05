"""Messages and runs as the Celery adapter makes them, for tests of policies alone."""

from __future__ import annotations

import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks_platform.errors import Cancel, Hold, SetAside
from tasks_platform.policies import ORDER
from tasks_platform.policy import Message, Outcome, Policy, Run, Verdict, enter_run, leave_run, overriding, wrap
from tasks_platform.store import MemoryStore, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TASK = "shop.tasks.ship"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class BrokenQueue(deque[Any]):
    """What a broker that is down looks like."""

    def append(self, _: Any) -> None:
        raise ConnectionError("no broker")


def fails(**_: Any) -> None:
    raise ConnectionError("the mail server is down")


def succeeds(**_: Any) -> str:
    return "sent"


def a_run(store: Store | None = None, **fields: Any) -> Run:
    """Return the first attempt at a job, unless *fields* say otherwise."""
    kwargs = fields.pop("kwargs", {})
    headers = fields.setdefault("headers", {})
    job_id = fields.setdefault("job_id", "job-1")
    attempt = fields.setdefault("attempt", 1)
    defaults = {
        "task": TASK,
        "args": (),
        "kwargs": kwargs,
        "arguments": lambda: dict(kwargs),
        "store": MemoryStore() if store is None else store,
        "message": lambda: {
            "task": TASK,
            "id": job_id,
            "args": [],
            "kwargs": dict(kwargs),
            "attempt": attempt,
            "headers": dict(headers),
        },
        "worker": "celery@box",
        "started_at": datetime.now(UTC),
    }
    return Run(**{**defaults, **fields})


def decide(policies: tuple[Policy, ...], run: Run, error: BaseException) -> Verdict:
    """Ask *policies* what becomes of *run*."""
    return wrap("failed", overriding("failed", policies), run, error, innermost=Verdict)()


@dataclass
class Bench:
    """A caller, a queue and a worker in one place: each job is run when the test says so."""

    policies: tuple[Policy, ...]
    store: Store = field(default_factory=MemoryStore)
    #: What waits: a job's id, arguments, attempt and headers.
    queue: deque[tuple[str, dict[str, Any], int, dict[str, Any]]] = field(default_factory=deque)
    #: How jobs ended: a result, or an error.
    ended: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.policies = tuple(sorted(self.policies, key=lambda policy: ORDER.index(type(policy))))

    @property
    def waiting(self) -> list[str]:
        """The ids of the jobs in the queue."""
        return [job_id for job_id, *_ in self.queue]

    def delay(
        self,
        job_id: str,
        *,
        awaited: bool = False,
        replayed: bool = False,
        options: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """Send a job; answer with the id of the job that does the work."""
        message = Message(
            task=TASK,
            job_id=job_id,
            args=(),
            kwargs=arguments,
            arguments=lambda: arguments,
            options=options or {},
            awaited=awaited,
            replayed=replayed,
            handle=lambda holder: holder,
            send=self._send_other,
            outcome=Outcome(),
            store=self.store,
        )

        def push() -> str:
            self.queue.append((job_id, arguments, 1, {}))
            return job_id

        try:
            sent = wrap("publish", overriding("publish", self.policies), message, innermost=push)()
        except BaseException:
            message.outcome.not_sent()
            raise
        message.outcome.sent()
        return sent

    def take(self) -> Run:
        """Take the first job from the queue."""
        job_id, arguments, attempt, headers = self.queue.popleft()
        return a_run(
            self.store, job_id=job_id, kwargs=arguments, attempt=attempt, headers=headers, send=self._send_other
        )

    def work(self, function: Callable[..., Any] = lambda **_: "done") -> Run:
        """Take the first job and run it to the end of its attempt."""
        run = self.take()
        self.run(run, function)
        return run

    def run(self, run: Run, function: Callable[..., Any]) -> None:
        """Run *function* as the attempt *run*, unless another copy of it was; then do as the policies say."""
        copy = run.headers.get("copy")
        if copy is not None and not self.store.begin(run.job_id, run.attempt, copy):
            return
        token = enter_run(run)
        body = wrap("execute", overriding("execute", self.policies), run, innermost=lambda: function(**run.kwargs))
        try:
            self.ended[run.job_id] = body()
        except SetAside:
            pass
        except Cancel as instruction:
            self.cancel(run, instruction.reason)
        except Hold:
            self.store.withdraw(run.job_id, run.attempt, copy or "")
            self._push(run.job_id, run.kwargs, run.attempt, run.headers)
        except Exception as error:  # noqa: BLE001 - every failure is decided
            self.fail(run, error)
        else:
            self.store.forget(run.job_id)
        finally:
            leave_run(token)

    def redeliver(self, run: Run) -> None:
        """Put the message of a run whose worker was lost back into the queue."""
        self.queue.append((run.job_id, dict(run.kwargs), run.attempt, dict(run.headers)))

    def fail(self, run: Run, error: BaseException) -> Verdict:
        """Let the policies decide, and act on it."""
        verdict = decide(self.policies, run, error)
        if verdict.final:
            self.ended[run.job_id] = error
        else:
            self._push(run.job_id, run.kwargs, run.attempt + 1, run.headers)
        return verdict

    def cancel(self, run: Run, reason: str) -> None:
        """Let the policies give back what the job held."""
        for policy in self.policies:
            policy.cancelled(run, reason)

    def _send_other(self, message: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
        self._push(message["id"], message["kwargs"], message["attempt"], {**message["headers"], **headers})

    def _push(self, job_id: str, kwargs: Mapping[str, Any], attempt: int, headers: Mapping[str, Any]) -> None:
        """Send a job again: every copy of a message has a name of its own."""
        self.queue.append((job_id, dict(kwargs), attempt, {**headers, "copy": uuid.uuid4().hex}))
