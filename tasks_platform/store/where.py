"""Which letters are meant."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which dead letters are meant: those for which all that is given holds; without anything, all."""

    task: str | None = None
    queue: str | None = None
    tenant: str | None = None
    #: What letters of one bug share.
    fingerprint: str | None = None
    #: ``dead``, ``parked`` or ``replaying``.
    state: str | None = None
    #: Died at this moment or later, as a timestamp.
    since: float | None = None
    #: Died at this moment or earlier, as a timestamp.
    until: float | None = None

    def lists(self) -> dict[str, str]:
        """Return the facts that a letter has to have, by name."""
        return {name: value for name in LISTED_BY if (value := getattr(self, name)) is not None}

    def record(self) -> dict[str, Any]:
        """Return what is given, as JSON can carry it."""
        return {name: value for name, value in asdict(self).items() if value is not None}


#: Where a letter stands among all: its time of death and its id.
Place = tuple[float, str]
#: The facts of a letter by which letters can be found.
LISTED_BY: Final = ("task", "queue", "tenant", "fingerprint", "state")
EVERYTHING: Final = Where()
