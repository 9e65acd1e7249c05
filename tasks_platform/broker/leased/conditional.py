"""Conditional: a message is pushed in the step that takes what it needs, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class NotPushedError(Exception):
    """A message was not pushed, because its condition does not hold."""

    def __init__(self, answer: Sequence[str]) -> None:
        super().__init__(" ".join(answer))
        #: What the condition says.
        self.answer = tuple(answer)


class Guard(NamedTuple):
    """The condition under which the messages of a job are pushed.

    It is Lua that defines two functions of *keys* and *arguments*: ``refusal``, which returns nil to let the message
    pass, or texts that say why not; and ``take``, which is called after the push. All of it is one step.
    """

    job_id: str
    script: str
    keys: Sequence[str]
    arguments: Sequence[Any]
    #: The queues to which a message was pushed: what it needs is taken with the first.
    passed: list[str]


_guarding: ContextVar[Guard | None] = ContextVar("guarding", default=None)


@contextmanager
def push_if(job_id: str, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Iterator[None]:
    """Let what is published of the job in the block be pushed under a condition, on the server of *keys*."""
    token = _guarding.set(Guard(job_id, script, keys, arguments, []))
    try:
        yield
    finally:
        _guarding.reset(token)


def guard_of(message: Mapping[str, Any]) -> Guard | None:
    """Return the condition of *message*, if it has one that does not hold already."""
    guard = _guarding.get()
    is_its_own = guard is not None and not guard.passed and (message.get("headers") or {}).get("id") == guard.job_id
    return guard if is_its_own else None
