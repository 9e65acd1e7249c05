"""How long jobs waited until a worker began them: counted in its main process, written down every few seconds."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from celery.bootsteps import StartStopStep

from tasks_platform.latency import counted
from tasks_platform.queues import Priority, priority_level
from tasks_platform.settings import Objectives
from tasks_platform.store import Store
from tasks_platform.task.envelope import HEADER, moment

log = logging.getLogger(__name__)
#: Seconds between two looks whether there is something to write down.
_EVERY = 2.0
_HOUR = 3600
#: Waits that are kept until somebody counts them.
_MOST = 1_000_000


class WaitTally:
    """What was counted and is not written down yet; runs are told of from any thread."""

    def __init__(self, objectives: Objectives, *, highest_first: bool) -> None:
        self._promised = {level: objectives.seconds(level) for level in Priority}
        self._highest_first = highest_first
        #: What each wait counts as. Without a lock: who runs short jobs would wait for it longer than for them.
        self._begun: deque[tuple[str, ...]] = deque(maxlen=_MOST)
        self._counts: Counter[str] = Counter()
        #: Whose counts these are, how often it has written some down, and what it could not write down yet.
        self._writer, self._number = uuid.uuid4().hex, 0
        self._pending: tuple[int, Mapping[str, int]] | None = None

    def begun(self, headers: Mapping[str, Any], delivery: Mapping[str, Any], at: float) -> None:
        """Count the wait of a run that began at *at* seconds, unless it is a repeated one."""
        own = headers.get(HEADER)
        own = own if isinstance(own, dict) else {}
        due = own.get("due")
        if headers.get("retries") or (due is None and "copy" in own):
            return
        due = _eta(headers.get("eta")) if due is None else moment(due)
        number = delivery.get("priority")
        level = priority_level(number if isinstance(number, int) else None, highest_first=self._highest_first)
        waited = None if due is None else max(0.0, at - due)
        self._begun.append(counted(str(delivery.get("routing_key")), level, waited, self._promised[level]))

    def write_down(self, store: Store) -> None:
        """Move to *store* what was counted; what it does not take is tried again the next time."""
        self._counts.update(chain.from_iterable(_taken_out(self._begun)))
        if self._pending is None:
            if not self._counts:
                return
            counts, self._counts = self._counts, Counter()
            self._pending = (int(time.time() // _HOUR), counts)
            self._number += 1
        store.count_waits(self._writer, self._number, *self._pending)
        self._pending = None


class WaitStep(StartStopStep):
    """Writes down what the worker counted, in a thread of its own: a server in trouble must not hold up the worker."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._thread: threading.Thread | None = None
        self._soon = threading.Event()

    def start(self, consumer: Any) -> None:
        """Begin; a consumer that starts again after a lost connection finds it begun."""
        if self._thread is None:
            told = (consumer.app.waits, consumer.app.new_store, consumer.controller.blueprint.shutdown_complete)
            self._thread = threading.Thread(target=self._run, args=told, daemon=True)
            self._thread.start()

    def stop(self, consumer: Any) -> None:
        """Write down what there is: the worker may be about to end."""
        self._soon.set()

    def _run(self, tally: WaitTally, new_store: Callable[[], Store], ended: threading.Event) -> None:
        store = new_store()  # with a connection that no process of the pool inherits in use
        while not ended.is_set():
            self._soon.wait(_EVERY)
            self._soon.clear()
            try:
                tally.write_down(store)
            except Exception as trouble:  # noqa: BLE001 - of the server, or of what somebody sent: the next may be well
                log.warning("how long jobs waited is not written down yet: %r", trouble)


def _taken_out(waits: deque[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for _ in range(len(waits)):
        try:
            yield waits.popleft()
        except IndexError:  # another worker of this process has counted it
            return


def _eta(eta: Any) -> float | None:
    try:
        return datetime.fromisoformat(eta).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
