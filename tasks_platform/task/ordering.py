"""Which policies a task has, in the order in which they wrap it."""

from __future__ import annotations

from collections.abc import Iterable

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.policies import ORDER
from tasks_platform.policy import Policy


def ordered(name: str, policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """Return *policies* outermost first; the last of a type wins.

    Raises:
        TaskDefinitionError: if one of them is none; the message lists those there are.

    """
    given = tuple(policies)
    for policy in given:
        if isinstance(policy, type):
            raise TaskDefinitionError(f"{name}: write {policy.__name__}(), with parentheses")
    chosen = {type(policy): policy for policy in given}
    for kind in chosen:
        if kind not in ORDER:
            known = ", ".join(policy.__name__ for policy in ORDER)
            raise TaskDefinitionError(f"{name}: {kind.__name__!r} is no policy; there are {known}")
    return tuple(sorted(chosen.values(), key=lambda policy: ORDER.index(type(policy))))
