"""What of a letter's record the store has to know: by what it is found, grouped and audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tasks_platform.store.legible import legible

#: Characters of an error's message that the audit keeps, of which there are very many records.
_BRIEF: Final = 200


def facts_of(letter: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of a letter by name; what is not known, or no text, is empty."""
    cause = letter.get("cause")
    told = cause if isinstance(cause, Mapping) else {}
    facts = {name: letter.get(name) for name in ("task", "queue", "tenant", "fingerprint")}
    facts |= {"error": told.get("type"), "message": told.get("message"), "line": told.get("line")}
    legibly = {name: legible(value) if isinstance(value, str) else "" for name, value in facts.items()}
    return {**legibly, "brief": legibly["message"][:_BRIEF]}
