"""JobQueue: the interface that a service depends on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ParamSpec, Protocol, Self, TypeVar, Unpack

from tasks_platform.job_queue.options import Options
from tasks_platform.sending import Call
from tasks_platform.task import PlatformTask
from tasks_platform.task.handle import JobHandle

P = ParamSpec("P")
R = TypeVar("R")


class JobQueue(Protocol):
    """Sends jobs; injected, so that a service can be tested with ``MemoryJobQueue`` in its place."""

    def using(self, **options: Unpack[Options]) -> Self:
        """Return this queue with *options* for whatever is sent through it, over those it has already."""

    def send(self, task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job.

        Raises:
            PayloadError: if the arguments do not fit the function's signature.

        """

    def send_many(self, calls: Iterable[Call[R]], /) -> list[JobHandle[R]]:
        """Send many jobs at once, each with the options of its ``call(...)`` over those of this queue.

        Raises:
            OptionError: if an option cannot work; nothing is sent.
            PartlySentError: if some, or all, of them could not be sent; it says which.
            PayloadError: if the arguments of one do not fit its task; nothing is sent.

        """

    async def asend(self, task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job from asyncio code, without blocking its loop."""

    def job(self, task: PlatformTask[..., R], job_id: str) -> JobHandle[R]:
        """Return the handle of a job that was sent before."""


def merged(options: Options, more: Options) -> dict[str, Any]:
    """Return *options* with *more*; a due time of one kind replaces the other."""
    due = {"countdown", "eta"}
    kept = {name: value for name, value in options.items() if not (name in due and due & more.keys())}
    return {**kept, **more}
