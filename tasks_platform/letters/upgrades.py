"""Letters that an earlier version of the platform wrote are read as if this one had written them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tasks_platform.errors import LetterError
from tasks_platform.letters.message import Letter, is_untrusted
from tasks_platform.policies.dead_letters import SCHEMA, queue_of
from tasks_platform.task.envelope import addressed


def _with_its_queue(letter: Letter) -> Letter:
    """Version 2 has the queue, and the tenant and the flow also of a message that nobody understood."""
    message = letter["message"]
    known = addressed(message.get("headers")) if message.get("raw") and not is_untrusted(letter) else {}
    return {**letter, "queue": queue_of(message), **known}


#: What makes a letter of each version one of the next.
UPGRADES: Final[Mapping[int, Callable[[Letter], Letter]]] = {1: _with_its_queue}


def current(letter: Mapping[str, Any]) -> Letter:
    """Return *letter* in the shape of this version; one of a later version is returned as it is."""
    found = dict(letter)
    while (version := found["schema"]) in UPGRADES:
        found = {**UPGRADES[version](found), "schema": version + 1}
    return found


def refuse_newer(letter: Letter) -> None:
    """Raise if *letter* was written by a later version of the platform than this one.

    Raises:
        LetterError: saying so.

    """
    if letter["schema"] > SCHEMA:
        raise LetterError(
            f"letter {letter['id']} was written by a newer version of the platform (letters of version "
            f"{letter['schema']}; this one knows {SCHEMA}): it can be looked at here, and changed only there"
        )
