"""When an installation counts as well."""

from __future__ import annotations

from pydantic import Field

from tasks_platform.settings.group import Group


class Health(Group):
    """The bounds of ``tasks-platform health``."""

    #: Fewer jobs than this may wait in a queue.
    waiting: int = Field(default=1000, ge=1)
    #: Bounds of single queues, by name: ``TASKS_HEALTH__QUEUES='{"email": 5000}'``.
    queues: dict[str, int] = Field(default_factory=dict)
    #: There may be fewer dead letters than this.
    letters: int = Field(default=100, ge=1)
    #: Seconds that workers have for their answer.
    timeout: float = Field(default=2.0, gt=0)
