"""Batch: many messages in groups, each of which is in its queues as a whole, or not."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

import celery
from kombu.utils.functional import retry_over_time

from tasks_platform.broker.exact_batch import ExactBatch, NotAllPushedError
from tasks_platform.policies.unique import RESERVATION
from tasks_platform.policy import Outcome
from tasks_platform.sending.partly import Job, partly_sent
from tasks_platform.task import job_ids
from tasks_platform.task.insist import TROUBLE
from tasks_platform.task.job_ids import Reserved, sender_token
from tasks_platform.task.outgoing import Outgoing, complete, offer, sent_before
from tasks_platform.task.straight import StraightWay, Written

log = logging.getLogger(__name__)
#: A group is pushed when it has so many messages, or so many bytes: no other client waits long for the server.
GROUP: Final = 500
BYTES: Final = 1_000_000
_POLICY: Final = ("max_retries", "interval_start", "interval_step", "interval_max")


class Batch:
    """Jobs on their way to Redis over one producer."""

    def __init__(self, app: Any, producer: Any, jobs: Sequence[Job]) -> None:
        self._app = app
        self._producer = producer
        self._jobs = jobs
        self._way: StraightWay | None = app.straight_way
        self._parent = app.current_worker_task
        self._policy = _retry_policy(app)
        #: Under which these jobs are known to the broker, besides those that were tried before.
        self._token = uuid.uuid4().hex
        self._handles: list[Any] = []
        #: What waits for the group to be pushed: a job's place, and what is to be done then.
        self._waiting: list[tuple[int, Outcome]] = []
        self._declared: set[Any] = set()
        #: By the places of their jobs, which are to be sent soon.
        self._reserved: dict[int, Reserved] = {}
        #: The ids of those that were sent before, though the broker did not say so then.
        self._arrived: frozenset[str] = frozenset()

    def is_possible(self) -> bool:
        """Connect, and tell whether the broker takes messages in groups.

        Raises:
            PartlySentError: if there is no broker.

        """
        try:
            self._producer.connection.ensure_connection(**self._policy)
            return bool(self._producer.channel and self._producer.supports_batch_publish)
        except TROUBLE as error:
            raise self._partly(error, self._token) from error

    def send(self) -> list[Any]:
        """Send all, and return their handles in order.

        Raises:
            PartlySentError: if not all could be sent.

        """
        with self._producer.batch() as batch:
            group = ExactBatch(self._producer.channel, self._token, repeatedly=self._repeatedly)
            batch.state.session = group
            try:
                self._arrived = self._those_there(group)
                for number, job in enumerate(self._jobs):
                    if number % GROUP == 0:
                        self._reserve(range(number, min(number + GROUP, len(self._jobs))))
                    self._offer(number, job, group)
                self._push(group)
            except Exception as error:
                raise self._partly(error, group.token) from error
            group.token = self._token
            _one_by_one([group.forget])
        return self._handles

    def _those_there(self, group: ExactBatch) -> frozenset[str]:
        tried: dict[str, list[str]] = {}
        for job in self._jobs:
            if job.call.token:
                tried.setdefault(job.call.token, []).append(job.outgoing.job_id)
        found = (self._repeatedly(partial(group.arrived, token, ids)) for token, ids in tried.items())
        return frozenset().union(*found)

    def _reserve(self, numbers: Iterable[int]) -> None:
        """Reserve the ids of the callers' choice among those of some jobs."""
        wanted = [number for number in numbers if self._jobs[number].outgoing.chosen]
        wanted = [number for number in wanted if self._jobs[number].outgoing.job_id not in self._arrived]
        if wanted:
            senders = [(self._jobs[number].outgoing.job_id, sender_token()) for number in wanted]
            since = time.monotonic()
            asked = {number: Reserved(token, "free", since) for number, (_, token) in zip(wanted, senders, strict=True)}
            self._reserved |= asked  # if there is no answer, all of them may be
            answers = self._app.store.reserve_all(senders, job_ids.RESERVATION)
            for number, answer in zip(wanted, answers, strict=True):
                self._reserved[number] = asked[number]._replace(answer=answer)

    def _give_up_reserved(self) -> list[Callable[[], None]]:
        """Return what gives the ids of jobs free again that nobody has come to."""
        unused, self._reserved = self._reserved, {}
        unreserve = self._app.store.unreserve
        return [
            partial(unreserve, self._jobs[number].outgoing.job_id, reserved.token)
            for number, reserved in unused.items()
            if reserved.answer == "free"
        ]

    def _offer(self, number: int, job: Job, group: ExactBatch) -> None:
        """Let *job* past its policies into the group, and push the group when it is full."""
        if (token := job.call.token or self._token) != group.token:
            self._push(group)
            group.token = token
        outcome = Outcome()
        self._waiting.append((number, outcome))
        if job.outgoing.job_id in self._arrived:
            handle = sent_before(job.outgoing, outcome)
        else:
            first = partial(self._push_before, group)
            reserved = self._reserved.pop(number, None)
            handle = offer(job.outgoing, outcome, self._publisher(job, group), before_waiting=first, reserved=reserved)
        self._handles.append(handle)
        if len(group) >= GROUP or group.size >= BYTES:
            self._push(group)

    def _publisher(self, job: Job, group: ExactBatch) -> Callable[..., Any]:
        """Return what puts the message of *job* into the group; its queue is declared once."""
        outgoing = job.outgoing
        args, kwargs = tuple(outgoing.args), dict(outgoing.kwargs)

        def publish(**options: Any) -> Any:
            if (ready := self._straight(outgoing, options)) is not None:
                group.publish(ready.message, channel=ready.channel, exchange="", routing_key=ready.queue)
                return ready.sent()
            place = tuple(str(options.get(name)) for name in ("queue", "exchange", "routing_key"))
            ours = {"producer": self._producer, "retry": False, "add_to_parent": False}
            said = {**options, **ours, **({"declare": []} if place in self._declared else {})}
            put = partial(celery.Task.apply_async, outgoing.task, args, kwargs, outgoing.job_id, **said)
            if place in self._declared:
                return put()
            handle = self._repeatedly(put)  # what fails here is the declaration, before the message is in the group
            self._declared.add(place)
            return handle

        return publish

    def _straight(self, job: Outgoing, options: Mapping[str, Any]) -> Written | None:
        """Write the message of *job* if it may go the straight way."""
        if self._way is None:
            return None
        said = complete(job.task, job.job_id, options)
        said["add_to_parent"] = False
        write = partial(self._way.write, job.task.name, tuple(job.args), dict(job.kwargs), said, self._parent)
        try:
            return write()
        except TROUBLE:  # its queue is to be declared
            return cast("Written | None", self._repeatedly(write))

    def _push_before(self, group: ExactBatch) -> None:
        """Push what is complete before another sender is waited for, who may wait for one of these."""
        *complete, current = self._waiting
        self._waiting = complete
        try:
            self._push(group)
        finally:
            self._waiting.append(current)

    def _push(self, group: ExactBatch) -> None:
        group.flush()
        pushed, self._waiting = self._waiting, []
        self._settle([outcome.sent for _, outcome in pushed])

    def _partly(self, error: Exception, token: str) -> Exception:
        """Settle what can be settled of the group that was not pushed, and tell what was sent."""
        pushed = error.pushed if isinstance(error, NotAllPushedError) else frozenset()
        in_doubt = isinstance(error, NotAllPushedError) and error.in_doubt
        rest: dict[int, str | None] = {}
        known: list[Callable[[], None]] = []
        for number, outcome in self._waiting:
            if self._jobs[number].outgoing.job_id in pushed | self._arrived:
                known.append(outcome.sent)
                continue
            rest[number] = token if in_doubt else None
            if not in_doubt:  # else its reservations run out by themselves
                known.append(outcome.not_sent)
        self._settle([*known, *self._give_up_reserved()])
        untried = range(len(self._handles), len(self._jobs))
        rest |= {number: self._jobs[number].call.token for number in untried if number not in rest}
        lost = {self._jobs[number].outgoing.job_id for number in rest}
        answered = {number: None for number, handle in enumerate(self._handles) if handle.id in lost}
        cause = error.__cause__ if isinstance(error, NotAllPushedError) and error.__cause__ else error
        return partly_sent(self._jobs, self._handles, {**answered, **rest}, cause, unsure=token)

    def _settle(self, actions: Sequence[Callable[[], None]]) -> None:
        """Do *actions* together; if that fails, one by one."""
        try:
            with self._app.store.together():
                for action in actions:
                    action()
        except TROUBLE:
            _one_by_one(actions)

    def _repeatedly(self, action: Callable[[], Any]) -> Any:
        return retry_over_time(action, TROUBLE, **self._policy)


def _retry_policy(app: Any) -> dict[str, Any]:
    policy = {name: value for name, value in app.conf.task_publish_retry_policy.items() if name in _POLICY}
    return policy if app.conf.task_publish_retry else {**policy, "max_retries": 0}


def _one_by_one(actions: Iterable[Callable[[], None]]) -> None:
    """Do each of *actions*, whatever becomes of the others; a store that stays away is left alone in the end."""
    failed: list[BaseException] = []
    give_up = time.monotonic() + RESERVATION
    for action in actions:
        try:
            action()
        except TROUBLE as trouble:
            failed.append(trouble)
            if time.monotonic() >= give_up:
                break
    if failed:
        log.warning("the store is in trouble: what was reserved for jobs runs out by itself", exc_info=failed[0])
