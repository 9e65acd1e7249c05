"""One job per key: at a time, or per period."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from tasks_platform.errors import FollowedJobFailedError, LetterError, SetAside, TaskDefinitionError
from tasks_platform.policy import HeldError, Message, Policy, Proceed, Run, Taking, Verdict
from tasks_platform.sealing import censored

#: Seconds a key is held for a caller that has not sent its message yet; longer than it goes on trying to send.
RESERVATION = 30.0


@dataclass(frozen=True, kw_only=True)
class Unique(Policy):
    """Let one job run per key, however often it is sent.

    1. The first ``delay()`` takes the key for its job id, on the leased broker in the step that sends the message.
       Elsewhere it is a short reservation that the sent message confirms, so that a caller that dies in between
       blocks it for half a minute at most. A duplicate sends nothing: its caller gets the handle of the job that
       holds the key.
    2. A duplicate that something waits for (a chord, the next step of a chain, a callback) is sent, for a
       swallowed chord member would hang its chord. It becomes a follower: set aside without occupying a
       worker, and ended with the outcome of the job that holds the key.
    3. The key belongs to the job id. It stays through redelivery, retry and hold, and is freed on success,
       skipping, cancellation, expiry and burial. A replay takes it again, or is refused.
    """

    #: The parameters that make the key: a name, several, or a function of the arguments as they are in the
    #: message (plain JSON values, a keyed digest for what is sealed). All of them if it is not given.
    by: str | tuple[str, ...] | Callable[..., object] | None = None
    #: ``"done"``: while the job is unfinished; ``"started"``: while it waits, so that one may run and one wait.
    until: Literal["done", "started"] = "done"
    #: Instead: this long from the first call, even if the job ends sooner. A duration or seconds.
    period: timedelta | float | None = None
    #: After this long without a sign of its job, a key is free again: what a lost job can block. Seconds.
    forgotten_after: float = 86400.0

    def __post_init__(self) -> None:
        if self.until not in {"done", "started"}:
            raise TaskDefinitionError(f"Unique(until={self.until!r}): it is done or started")
        if self.period is not None and self.until == "started":
            raise TaskDefinitionError("Unique: a period and until='started' contradict each other")
        if not self._ttl > 0 or not self.forgotten_after > 0:
            raise TaskDefinitionError("Unique: period and forgotten_after have to be positive")
        if not (self.by is None or callable(self.by) or isinstance(self.by, (str, tuple))):
            raise TaskDefinitionError(f"Unique(by={self.by!r}): it is a name, a tuple of names, or a function")

    def check(self, task: str, parameters: Sequence[str]) -> None:
        """Refuse a key made of parameters that the task does not have."""
        if callable(self.by):
            try:
                inspect.signature(self.by).bind(**dict.fromkeys(parameters))
            except TypeError as error:
                raise TaskDefinitionError(
                    f"{task}: Unique(by=...): the function is called with {', '.join(parameters)} by name: {error}"
                ) from None
            return
        for name in () if self.by is None else _names(self.by):
            if name not in parameters:
                meant = difflib.get_close_matches(name, parameters, 1)
                hint = f"; did you mean {meant[0]!r}?" if meant else f"; it has {', '.join(parameters) or 'none'}"
                raise TaskDefinitionError(f"{task}: Unique(by={name!r}) is no parameter{hint}")

    def publish(self, message: Message, proceed: Proceed[Any]) -> Any:
        """Send the first job of its key; answer a duplicate with the handle of that job."""
        key = self.key(message.task, message.arguments())
        ttl = self._ttl + _delay_of(message.options)
        if message.taking is not None:
            return self._take_and_send(message, message.taking, key, ttl, proceed)
        holder = message.store.acquire(key, message.job_id, RESERVATION)
        if holder != message.job_id:
            if message.replayed:
                raise LetterError(
                    f"{message.task}[{message.job_id}] cannot be replayed now: job {holder} holds its unique key; "
                    "replay it when that job has ended"
                )
            return proceed() if message.awaited else message.handle(holder)
        message.outcome.if_sent(partial(message.store.extend, key, message.job_id, ttl))
        message.outcome.if_not(partial(self._free, message, key, {"superseded": message.job_id}))
        return proceed()

    def execute(self, run: Run, proceed: Proceed[Any]) -> Any:
        """Run as the holder of the key, or follow the job that is."""
        if (outcome := run.headers.get("outcome")) is not None:
            return _outcome(outcome)
        key = self.key(run.task, run.arguments())
        copy = run.headers.get("copy")
        claim = None if copy is None else (run.attempt, copy)
        holder, outcome = run.store.follow(
            key, run.job_id, run.message(), self._ttl, extend=self.period is None, claim=claim
        )
        if outcome is not None:
            return _outcome(outcome)
        if holder != run.job_id:
            raise SetAside(f"it follows job {holder}, which holds its unique key")
        if self.until == "started":
            self._free(run, key, {"superseded": run.job_id})
            return proceed()
        result = proceed()
        self._end(run, key, result)
        return result

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Free the key if there is no other attempt."""
        verdict = proceed()
        if verdict.final:
            self._give_up(run, censored("".join(traceback.format_exception_only(error)).strip()))
        return verdict

    def cancelled(self, run: Run, reason: str) -> None:
        """Free the key."""
        self._give_up(run, reason)

    def skipped(self, run: Run) -> None:
        """Free the key as if the job had returned nothing."""
        if (key := self._key_of(run)) is not None:
            self._end(run, key, None)

    def key(self, task: str, arguments: Mapping[str, Any]) -> str:
        """Return the key of a call: the task and a digest of the chosen arguments."""
        if self.by is None:
            chosen: object = dict(arguments)
        elif callable(self.by):
            chosen = self.by(**arguments)
        else:
            chosen = [arguments[name] for name in _names(self.by)]
        text = json.dumps(chosen, sort_keys=True, default=str)
        return f"{task}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"

    @property
    def _ttl(self) -> float:
        if self.period is None:
            return self.forgotten_after
        return self.period.total_seconds() if isinstance(self.period, timedelta) else self.period

    def _take_and_send(self, message: Message, taking: Taking, key: str, ttl: float, proceed: Proceed[Any]) -> Any:
        taking.key, taking.key_ttl = key, ttl
        try:
            return proceed()
        except HeldError as held:
            taking.key = None
            return proceed() if message.awaited else message.handle(held.holder)

    def _end(self, run: Run, key: str, result: Any) -> None:
        outcome = {"holder": run.job_id, "result": result}
        if self.period is not None:
            run.store.settle(key, run.job_id, outcome)
        self._free(run, key, outcome, keep=self.period is not None)

    def _give_up(self, run: Run, reason: str) -> None:
        if (key := self._key_of(run)) is not None:
            self._free(run, key, {"holder": run.job_id, "error": reason})

    def _key_of(self, run: Run) -> str | None:
        try:
            return self.key(run.task, run.arguments())
        except Exception:  # noqa: BLE001 - what has no key, for example for wrong arguments, never held one
            return None

    @staticmethod
    def _free(run: Run | Message, key: str, outcome: Mapping[str, Any], *, keep: bool = False) -> None:
        """Tell the followers of *key* the outcome, then free it; where the job was superseded, they run themselves."""
        told: dict[str, dict[str, Any]] = {}
        while followers := run.store.release(key, run.job_id, told, keep=keep):
            for message in followers.values():
                run.send(message, {} if "superseded" in outcome else {"outcome": outcome})
            told = followers


def _names(by: str | tuple[str, ...] | Callable[..., object]) -> tuple[str, ...]:
    return (by,) if isinstance(by, str) else tuple(by) if isinstance(by, tuple) else ()


def _delay_of(options: Mapping[str, Any]) -> float:
    """Return the seconds until the job is due."""
    if isinstance(eta := options.get("eta"), datetime):
        return max(0.0, (eta if eta.tzinfo else eta.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp())
    countdown = options.get("countdown")
    return float(countdown) if isinstance(countdown, (int, float)) else 0.0


def _outcome(outcome: Mapping[str, Any]) -> Any:
    if "error" in outcome:
        raise FollowedJobFailedError(
            f"job {outcome['holder']}, which held the unique key, ended with {outcome['error']}"
        )
    return outcome.get("result")
