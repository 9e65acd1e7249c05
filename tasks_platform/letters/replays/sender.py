"""Send one letter of a replay of many, such that no kill lets it be sent twice or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks_platform.errors import LetterError
from tasks_platform.letters.message import Letter
from tasks_platform.letters.on_its_way import is_on_its_way, next_attempt
from tasks_platform.letters.replays.value import Item
from tasks_platform.letters.sending import send_again
from tasks_platform.letters.upgrades import current

if TYPE_CHECKING:
    from tasks_platform.letters.queue import DeadLetterQueue


class Sender:
    """Sends letters for one replay."""

    def __init__(self, queue: DeadLetterQueue, replay_id: str) -> None:
        self._queue = queue
        self._store = queue.store
        self._id = replay_id

    def send(self, job_id: str, item: Item) -> Item:
        """Send a letter whose turn it is, and return what has become of it."""
        letter = self._read(job_id)
        if (reason := _why_not(letter, item)) or letter is None:
            return replace(item, state="left", reason=reason)
        sending = replace(item, state="sending", version=letter["version"], attempt=next_attempt(letter))
        read = {"version": letter["version"], "before": letter["replayed_at"]}

        def mark(at: float) -> bool:
            return self._store.claim_for_replay(self._id, job_id, sending.record(), **read, at=at, by=self._queue.by)

        return self._send(letter, sending, mark)

    def send_in_doubt(self, job_id: str, item: Item) -> Item:
        """Send a letter again that was recorded as being sent by a process that did not live to say that it was.

        As the same attempt: should it have been sent, only one of the two copies is run.
        """
        letter = self._read(job_id)
        in_doubt = letter is not None and (letter["version"], letter["state"]) == (item.version, "replaying")
        if letter is None or not in_doubt or letter["begun"] >= item.attempt:
            return replace(item, state="sent")
        return self._send(letter, item)

    def _send(self, letter: Letter, item: Item, mark: Callable[[float], bool] | None = None) -> Item:
        try:
            send_again(self._queue, letter, mark)
        except LetterError as refused:
            now = self._read(letter["id"]) if mark is None else None
            if now is not None and now["state"] == "replaying":
                return replace(item, state="sent")  # a worker has begun it meanwhile
            return replace(item, state="left", reason=str(refused))
        return replace(item, state="sent")

    def _read(self, job_id: str) -> Letter | None:
        letter = self._store.letter(job_id)
        return None if letter is None else current(letter)


def _why_not(letter: Letter | None, item: Item) -> str:
    """Tell why a letter is not to be sent any more, if so."""
    if letter is None:
        return "it is gone: it was replayed or discarded by somebody else"
    if is_on_its_way(letter, now=time.time()):
        return "it is being replayed by somebody else"
    if letter["fingerprint"] != item.group:
        return f"it has died of something else since: {letter['fingerprint']}"
    return ""
