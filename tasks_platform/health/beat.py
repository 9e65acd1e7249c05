"""Whether somebody fires the schedule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from tasks_platform.health.finding import Finding
from tasks_platform.schedules import Beat

#: A beat looks at the schedule every few seconds; one that has not for so long hangs.
_LONGEST_TICK: Final = timedelta(minutes=1)


def firing(entries: Collection[str], beats: Sequence[Beat], now: datetime) -> Finding:
    """Decide by the entries that are on and the beats that are alive."""
    leaders = [beat for beat in beats if beat.leads]
    figures = {"entries": len(entries), "beats": [beat.name for beat in beats], "leader": [b.name for b in leaders]}
    if not entries:
        return Finding(healthy=True, message="nothing is scheduled", figures=figures)
    if not leaders:
        message = f"there is no beat to fire {_schedules(len(entries))}: start celery -A tasks_platform beat"
        return Finding(healthy=False, message=message, figures=figures)
    last = leaders[0].ticked_at or leaders[0].since
    if now - last > _LONGEST_TICK:
        message = f"{leaders[0].name} has not looked at the schedule since {last:%H:%M:%S} UTC: restart it"
        return Finding(healthy=False, message=message, figures=figures)
    standing_by = len(beats) - len(leaders)
    message = f"{leaders[0].name} fires {_schedules(len(entries))}, {standing_by} more stand by"
    return Finding(healthy=True, message=message, figures=figures)


def _schedules(count: int) -> str:
    return "1 schedule" if count == 1 else f"{count} schedules"
