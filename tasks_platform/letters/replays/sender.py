"""Send one letter of a replay of many, such that no kill lets it be sent twice or not at all."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks_platform.errors import LetterError
from tasks_platform.letters.message import Letter
from tasks_platform.letters.replays.value import Item
from tasks_platform.letters.sending import next_attempt, send_again
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

        def mark() -> None:
            claimed = self._store.claim_for_replay(
                self._id, job_id, sending.record(), version=sending.version, at=time.time(), by=self._queue.by
            )
            if not claimed:
                raise LetterError("it was replayed, edited or discarded by somebody else meanwhile")

        try:
            send_again(self._queue.app, self._store, self._queue.understood(letter), sending.attempt, mark)
        except LetterError as refused:
            return replace(item, state="left", reason=str(refused))
        return replace(sending, state="sent")

    def send_in_doubt(self, job_id: str, item: Item) -> Item:
        """Send a letter again that was recorded as being sent by a process that did not live to say that it was.

        As the same attempt: should it have been sent, only one of the two copies is run.
        """
        letter = self._read(job_id)
        if letter is not None and (letter["version"], letter["state"]) == (item.version, "replaying"):
            send_again(self._queue.app, self._store, self._queue.understood(letter), item.attempt)
        return replace(item, state="sent")

    def _read(self, job_id: str) -> Letter | None:
        letter = self._store.letter(job_id)
        return None if letter is None else current(letter)


def _why_not(letter: Letter | None, item: Item) -> str:
    """Tell why a letter is not to be sent any more, if so."""
    if letter is None:
        return "it is gone: it was replayed or discarded by somebody else"
    if letter["state"] == "replaying":
        return "it is being replayed by somebody else"
    if letter["fingerprint"] != item.group:
        return f"it has died of something else since: {letter['fingerprint']}"
    return ""
