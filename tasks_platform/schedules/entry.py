"""An entry of the schedule: what is sent, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tasks_platform.schedules.misfire import Misfire
from tasks_platform.schedules.when import When


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is sent, and when. The arguments are plain JSON, as a message carries them."""

    name: str
    when: When
    #: The name of the task.
    task: str
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    #: Options of sending: ``queue``, ``priority``, ``tenant``.
    options: Mapping[str, Any] = field(default_factory=dict)
    misfire: Misfire = field(default_factory=Misfire)

    def job_id(self, moment: datetime) -> str:
        """Return the id of the one job of *moment*: whoever sends it, and however often, it is that job."""
        return f"schedule:{self.name}:{iso(moment)}"


def iso(moment: datetime) -> str:
    """Write a moment as it is written in ids and in the history: in UTC, ``2026-03-29T01:00:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
