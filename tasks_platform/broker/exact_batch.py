"""ExactBatch: a publish batch of kombu's Redis transport that can always tell what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import redis
from kombu.transport.redis import PublishBatch  # type: ignore[attr-defined]  # new in kombu 5.7
from redis.exceptions import ResponseError

#: How long it is known what a batch has pushed, in milliseconds: as long as the rest of it may be sent.
_KEPT: Final = 86_400_000
_SETS: Final = "tasks-platform:batch:"


#: Its name, its key, and its other arguments.
_Command = tuple[str, str, list[Any]]


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

    def __init__(self, channel: Any, token: str, *, repeatedly: Callable[[Callable[[], None]], Any]) -> None:
        super().__init__(channel, max_size=1)
        self.token = token
        #: Calls what it is given, again while the server is in trouble, and raises the last error.
        self._repeatedly = repeatedly
        #: Per message: its id, and the commands that put it into its queue.
        self._messages: list[tuple[str, list[_Command]]] = []
        self._ids: dict[str, None] = {}
        self._in_doubt = False
        #: Bytes that wait to be pushed.
        self.size = 0

    def __len__(self) -> int:
        return len(self._ids)

    def publish(self, message: Mapping[str, Any], **options: Any) -> Any:
        """Keep a message to be pushed with its group."""
        job_id = (message.get("headers") or {}).get("id") or ""
        self._messages.append((job_id, []))
        if job_id:
            self._ids[job_id] = None
        return self.channel.basic_publish(message, _publish_batch=self, **options)

    def add(self, name: str, *args: Any) -> None:
        """Keep one command of the message that is being routed."""
        key, *others = args
        if name == "zadd":  # as redis-py takes it: what to add -> score
            others = [part for member, score in others[0].items() for part in (score, member)]
        self._messages[-1][1].append((name, f"{self.channel.global_keyprefix}{key}", others))
        self.size += sum(len(part) for part in others if isinstance(part, (str, bytes)))

    def flush(self) -> None:
        """Push the group.

        Raises:
            NotAllPushedError: saying which messages are pushed all the same.

        """
        if not self._messages:
            return
        try:
            self._repeatedly(self._push)
        except NotAllPushedError:
            raise
        except Exception as error:
            raise self._what_became(error) from error
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget what was not pushed."""
        self._messages, self._ids, self.size = [], {}, 0

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

    def _push(self) -> None:
        keys = list(dict.fromkeys(key for _, commands in self._messages for _, key, _ in commands))
        number = {key: place for place, key in enumerate(keys, 2)}
        told: list[Any] = []
        for job_id, commands in self._messages:
            told += [job_id, len(commands)]
            for name, key, others in commands:
                told += [name, number[key], len(others), *others]
        try:
            done, *trouble = self._run(self._scripts["push_once"], [self._set, *keys], [_KEPT, *told])
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
        return redis.Redis(connection_pool=self.channel.pool)

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        folder = files("tasks_platform.broker") / "lua"
        return {
            name: self._client.register_script((folder / f"{name}.lua").read_text())
            for name in ("push_once", "push_no_more")
        }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
