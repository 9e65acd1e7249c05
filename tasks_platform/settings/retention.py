"""How many finished jobs of each task are kept."""

from __future__ import annotations

from pydantic import Field

from tasks_platform.settings.group import Group


class KeptJobs(Group):
    """For tasks that do not say it themselves; how long results are kept is ``result_expires``."""

    #: Jobs that succeeded; without it, all of them as long as results are kept.
    count: int | None = Field(default=None, ge=1)
    #: Jobs that failed.
    failed_count: int | None = Field(default=None, ge=1)
