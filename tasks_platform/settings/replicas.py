"""Replicas: whether senders wait until copies of their messages are made."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from tasks_platform.settings.durations import Duration
from tasks_platform.settings.group import Group


class Replicas(Group):
    """How many copies of a message there are to be when its sender goes on; on the platform's own broker on Redis."""

    #: The number of replicas; 0: what is not copied yet may be lost with the server.
    wait_for: int = Field(default=0, ge=0)
    #: How long they are waited for; a server that is silent for 5 seconds is taken for gone.
    timeout: Annotated[Duration, Field(le=timedelta(seconds=4))] = timedelta(seconds=1)
    #: What happens when fewer have it by then: the sender gets an error, or there is a warning in its log.
    missing: Literal["error", "warn"] = "error"
