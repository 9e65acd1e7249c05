"""The watch over dead letters as a part of Celery's worker."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from celery import bootsteps

if TYPE_CHECKING:
    from tasks_platform.letters.telling.watch import Watch

log = logging.getLogger(__name__)


class LettersWatch(bootsteps.StartStopStep):
    """Starts the watch when the pool's processes are there, so that none of them is a copy of a thread."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._watch: Watch | None = None

    def start(self, worker: Any) -> None:
        """Start it; a watch that cannot be made costs no job."""
        # what only workers need
        from tasks_platform.letters.queue import DeadLetterQueue  # noqa: PLC0415 - see above
        from tasks_platform.letters.telling.watch import Watch  # noqa: PLC0415 - see above

        try:
            self._watch = Watch(DeadLetterQueue(worker.app, by=str(worker.hostname)))
            self._watch.start()
        except Exception:
            log.exception("the watch over dead letters could not be started")

    def stop(self, worker: Any) -> None:
        """End it; jobs that have ended are acknowledged meanwhile."""
        if self._watch is not None:
            self._watch.stop_by_the_end()

    def terminate(self, worker: Any) -> None:
        """End it also where the worker does not wait for its jobs."""
        self.stop(worker)
