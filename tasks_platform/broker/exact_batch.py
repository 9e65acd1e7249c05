"""ExactBatch: a publish batch of kombu's Redis transport that can always tell what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any, Final, NamedTuple

import redis
from kombu.transport.redis import PublishBatch  # type: ignore[attr-defined]  # new in kombu 5.7
from redis.exceptions import ResponseError

from tasks_platform.broker.leased.confirming import TooFewReplicasError
from tasks_platform.broker.leased.scripts import with_index

#: How long it is known what a batch has pushed, in milliseconds: as long as the rest of it may be sent.
_KEPT: Final = 86_400_000
_SETS: Final = "tasks-platform:batch:"


class _Place(NamedTuple):
    """Where messages go."""

    #: The command that puts them there: ``lpush``, ``zadd`` if they are not due yet, ``publish`` for all who listen.
    command: str
    key: str
    #: The queue whose messages can be found by their ids; empty if those of this one cannot.
    queue: str


class _Put(NamedTuple):
    """A message on its way to its place."""

    #: Its name in this batch; empty if it has none, and may be put there twice.
    name: str
    #: When it is due, in ms since 1970; None: it goes into a list.
    due: float | None
    text: str


class NotAllPushedError(Exception):
    """Messages of a batch were not pushed, or it cannot be told whether they were."""

    def __init__(self, cause: BaseException, pushed: frozenset[str], *, in_doubt: bool) -> None:
        super().__init__(str(cause))
        #: The ids of messages that are in their queues.
        self.pushed = pushed
        #: Whether others may be, too: the server has not answered. Pushed again under the same token they are not sent
        #: twice.
        self.in_doubt = in_doubt


class ExactBatch(PublishBatch):  # type: ignore[misc]
    """Push messages in groups; after a lost connection it is known which ones are in their queues.

    kombu's own batch is a pipeline: when its connection breaks, a part of it was executed, and nobody knows which.
    Here a group is one script that remembers, under the *token* of the batch, the ids it has pushed, so that it may
    be repeated until the server answers.
    """

    def __init__(self, channel: Any, token: str, *, repeatedly: Callable[[Callable[[], Any]], Any]) -> None:
        super().__init__(channel, max_size=1)
        self.token = token
        #: Calls what it is given, again while the server is in trouble, and raises the last error.
        self._repeatedly = repeatedly
        self._places: dict[_Place, list[_Put]] = {}
        #: What is to be done when all are there.
        self._afterwards: dict[tuple[Any, ...], None] = {}
        self._ids: dict[str, None] = {}
        #: The message that is being routed: its id, and to how many queues it goes so far.
        self._routed = ("", 0)
        self._in_doubt = False
        #: Bytes that wait to be pushed.
        self.size = 0

    def __len__(self) -> int:
        return len(self._ids)

    def publish(self, message: Mapping[str, Any], *, channel: Any = None, **options: Any) -> Any:
        """Keep a message to be pushed with its group, routed by *channel* if that is not its own."""
        job_id = (message.get("headers") or {}).get("id") or ""
        self._routed = (job_id, 0)
        if job_id:
            self._ids[job_id] = None
        return (channel or self.channel).basic_publish(message, _publish_batch=self, **options)

    def put(self, key: str, text: str, *, due: float | None = None, queue: str = "") -> None:
        """Keep the message that is being routed for one of its queues."""
        self._put(_Place("lpush" if due is None else "zadd", key, queue), text, due)

    def _put(self, place: _Place, text: str, due: float | None = None) -> None:
        job_id, number = self._routed
        self._routed = (job_id, number + 1)
        name = f"{job_id}|{number}" if job_id and number else job_id
        self._places.setdefault(place, []).append(_Put(name, due, text))
        self.size += len(text)

    def add(self, name: str, *args: Any) -> None:
        """Keep a command of the message that is being routed, as redis-py takes it."""
        key, *others = args
        if name in {"lpush", "publish"}:
            self._put(_Place(name, f"{self.channel.global_keyprefix}{key}", ""), *others)
            return
        if name == "zadd":
            others = [part for member, score in others[0].items() for part in (score, member)]
        self._afterwards[name, f"{self.channel.global_keyprefix}{key}", *others] = None

    def flush(self) -> None:
        """Push the group.

        Raises:
            NotAllPushedError: saying which messages are pushed all the same.

        """
        if not self._places:
            return
        try:
            too_few = self._repeatedly(self._pushed)
        except NotAllPushedError:
            raise
        except Exception as error:
            raise self._what_became(error) from error
        finally:
            self.discard()
        if too_few is not None:
            raise NotAllPushedError(too_few, frozenset(), in_doubt=True) from too_few

    def discard(self) -> None:
        """Forget what was not pushed."""
        self._places, self._afterwards, self._ids, self.size = {}, {}, {}, 0

    def arrived(self, token: str, ids: Sequence[str]) -> frozenset[str]:
        """Return those of *ids* that an earlier batch has pushed under its *token*."""
        with self.channel.conn_or_acquire() as client:
            known = client.smismember(f"{_SETS}{token}", ids)
        return frozenset(job_id for job_id, is_there in zip(ids, known, strict=True) if is_there)

    def forget(self) -> None:
        """Forget what was pushed: nobody will ask. One that was in doubt may still come and is not forgotten."""
        if not self._in_doubt:
            with self.channel.conn_or_acquire() as client:
                client.delete(self._set)

    @property
    def _set(self) -> str:
        return f"{_SETS}{self.token}"

    def _pushed(self) -> TooFewReplicasError | None:
        """Push the group; return that it was not copied: that is no trouble which passes while it is repeated."""
        try:
            self._push()
        except TooFewReplicasError as too_few:
            return too_few
        return None

    def _push(self) -> None:
        keys = list(dict.fromkeys([*(place.key for place in self._places), *(key for _, key, *_ in self._afterwards)]))
        number = {key: place for place, key in enumerate(keys, 2)}
        told: list[Any] = [_KEPT, self.channel.global_keyprefix, len(self._places)]
        for (command, key, queue), puts in self._places.items():
            told += [command, number[key], queue, len(puts)]
            told += [part for name, due, text in puts for part in (name, "" if due is None else due, text)]
        for name, key, *others in self._afterwards:
            told += [name, number[key], len(others), *others]
        try:
            done, *trouble = self._run(self._scripts["push_once"], [self._set, *keys], told)
        except ResponseError:
            raise  # refused as a whole
        except BaseException:
            self._in_doubt = True
            raise
        if not done:
            error, pushed = trouble
            raise NotAllPushedError(ResponseError(_text(error)), self._ours(pushed), in_doubt=False)

    def _what_became(self, error: Exception) -> NotAllPushedError:
        if not self._in_doubt:
            return NotAllPushedError(error, frozenset(), in_doubt=False)
        try:
            pushed = self._run(self._scripts["push_no_more"], [self._set], [_KEPT, *self._ids])
        except Exception:  # noqa: BLE001 - the server is still in trouble: the first error tells more
            return NotAllPushedError(error, frozenset(), in_doubt=True)
        return NotAllPushedError(error, self._ours(pushed), in_doubt=False)

    def _ours(self, pushed: list[Any]) -> frozenset[str]:
        return frozenset(self._ids) & {_text(job_id) for job_id in pushed}

    def _run(self, script: Any, keys: list[str], arguments: list[Any]) -> Any:
        return script(keys=keys, args=arguments, client=self._client)

    @cached_property
    def _client(self) -> redis.Redis:
        """A client that leaves keys as they are; kombu's adds the prefix to the first one only."""
        return redis.Redis(connection_pool=getattr(self.channel, "pushes", None) or self.channel.pool)

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        folder = files("tasks_platform.broker") / "lua"
        return {
            name: self._client.register_script(with_index((folder / f"{name}.lua").read_text()))
            for name in ("push_once", "push_no_more")
        }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
