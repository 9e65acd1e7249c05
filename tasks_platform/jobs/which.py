"""Which: those of the jobs that wait that are meant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.task.ending import request_of
from tasks_platform.task.envelope import addressed


@dataclass(frozen=True, kw_only=True)
class Which:
    """Jobs that all of it is true of; without anything, all."""

    #: Their task; the last part of its name is enough.
    task: str | None = None
    #: The tenant that they work for.
    tenant: str | None = None
    #: What stands in their arguments, whatever its case.
    text: str | None = None

    def has(self, channel: StoringChannel, raw: bytes) -> bool:
        """Tell whether the message *raw* is of such a job."""
        if self == Which():
            return True
        try:
            headers = payload.read(raw).get("headers") or {}
            task = str(headers.get("task"))
            return (
                (self.task is None or self.task in {task, task.rpartition(".")[2]})
                and (self.tenant is None or addressed(headers)["tenant"] == self.tenant)
                and (self.text is None or self.text.casefold() in _arguments(channel, raw).casefold())
            )
        except (payload.BadMessageError, ValueError, TypeError, AttributeError):
            return False


def _arguments(channel: StoringChannel, raw: bytes) -> str:
    request: Any = request_of(channel, raw)
    return json.dumps([request.args, request.kwargs], ensure_ascii=False, default=str)
