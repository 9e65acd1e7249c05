"""Conditional: a message is pushed in the step that takes what it needs, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import redis

from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.publishing import Place, commands, stored
from tasks_platform.broker.leased.scripts import text_of

_GUARD: Final = "-- GUARD\n"
_guarded: ContextVar[Guarded | None] = ContextVar("guarded", default=None)


class NotPushedError(Exception):
    """A message was not pushed, because its condition does not hold."""

    def __init__(self, answer: Sequence[str]) -> None:
        super().__init__(" ".join(answer))
        #: What the condition says.
        self.answer = tuple(answer)


@dataclass(frozen=True, slots=True)
class Guarded:
    """The messages of a job, which are pushed under a condition.

    The condition is Lua that defines two functions of *keys* and *arguments*: ``refusal``, which returns nil to let the
    message pass, ``{'done'}`` if it was pushed before, or texts that say why not; and ``take``, which is called after
    the push. All of it is one step.
    """

    job_id: str
    script: str
    keys: Sequence[str]
    arguments: Sequence[Any]

    def push(self, server: redis.Redis, names: Names, place: Place, message: Mapping[str, Any]) -> None:
        """Push *message*, and take what it needs.

        Raises:
            NotPushedError: if its condition does not hold.

        """
        key, text, due = stored(names, place, message)
        answer: Any = server.register_script(text_of("push").replace(_GUARD, self.script))(
            keys=[key, names.wake(place.queue, place.step), *self.keys],
            args=[text, "" if due is None else due, *self.arguments],
        )
        if answer:
            raise NotPushedError([part.decode() for part in answer])
        for name, arguments in commands(names, place, message):
            if name == "pexpire":
                getattr(server, name)(*arguments)


@contextmanager
def push_if(job_id: str, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Iterator[None]:
    """Let what is published of the job in the block be pushed under a condition, on the server of *keys*."""
    token = _guarded.set(Guarded(job_id, script, keys, arguments))
    try:
        yield
    finally:
        _guarded.reset(token)


def guard_of(message: Mapping[str, Any]) -> Guarded | None:
    """Return the condition of *message*, if it has one."""
    guarded = _guarded.get()
    is_its_own = guarded is not None and (message.get("headers") or {}).get("id") == guarded.job_id
    return guarded if is_its_own else None
