"""Settings that belong together: ``TASKS_SMTP__HOST`` is the field ``host`` of the group ``smtp``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """A group of settings; a name that it does not have is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
