"""ReplayRun: send the letters of a replay, and see how each ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from tasks_platform.errors import LetterError
from tasks_platform.letters.claimant import a_claimant, is_gone
from tasks_platform.letters.replays.group import RunningGroup, groups_of
from tasks_platform.letters.replays.pace import DEFAULT_RATE
from tasks_platform.letters.replays.sender import Sender
from tasks_platform.letters.replays.value import Item, ReplayStatus, claim_of, ended

if TYPE_CHECKING:
    from tasks_platform.letters.queue import DeadLetterQueue

#: Seconds between two looks at how letters ended.
_LOOK: Final = 0.2
#: Seconds after which a process that does not renew its claim on a replay counts as dead.
_CLAIM: Final = 10.0
_RENEW: Final = 2.0


class ReplayRun:
    """Sends the letters of one replay, and is what a killed one is resumed by.

    1. Every letter is recorded as being sent, in the letter and in the replay, in one step; then it is sent, then
       that is recorded. Whoever resumes sends those again of which it is not known whether they were sent, as the
       same attempt, of which only one copy is run.
    2. How a letter ended is known from itself, or from why it went: it is of a new version when its job died again.
    3. Of each bug one letter is sent first; when it has ended well, ten; then the rest. When a letter comes back with
       the same fingerprint, no more of them are sent; the other groups go on.
    """

    def __init__(self, queue: DeadLetterQueue, replay_id: str, *, rate: float = DEFAULT_RATE) -> None:
        if (record := queue.store.replay(replay_id)) is None:
            raise LetterError(f"there is no replay {replay_id!r}")
        if record["state"] == "ended":
            raise LetterError(f"replay {replay_id} has ended; 'tasks-platform letters replay --all' begins another")
        self._id = replay_id
        self._store = queue.store
        self._sender = Sender(queue, replay_id)
        self._pause = 1.0 / rate
        self._me = a_claimant()
        self._groups = groups_of(record, self._store.replay_items(replay_id))
        self._renewed = self._looked = self._sent = 0.0

    def __iter__(self) -> Iterator[ReplayStatus]:
        """Send, wait and yield how far it is, until nothing is left to send and nothing on its way.

        Raises:
            LetterError: if another process is at it.

        """
        self._claim()
        try:
            for group in self._groups.values():
                for job_id in group.in_state("sending"):
                    self._renew()
                    self._note(job_id, group, self._sender.send_in_doubt(job_id, group.items[job_id]))
            while True:
                self._renew()
                self._look()
                self._send_some()
                status = self.status("running")
                yield status
                if not status.count("out") and not any(group.may_send() for group in self._groups.values()):
                    break
            self._store.update_replay(self._id, {"state": "ended", "ended_at": time.time()})
            yield self.status("ended")
        finally:
            self._store.release(claim_of(self._id), self._me)

    def status(self, state: str) -> ReplayStatus:
        """Return how far it is."""
        return ReplayStatus(id=self._id, state=state, groups=tuple(group.status() for group in self._groups.values()))

    def _send_some(self) -> None:
        """Send letters of each group in turn, as far as they may be sent, until it is time to look again."""
        turns = deque(group for group in self._groups.values() if group.may_send())
        until = time.monotonic() + _LOOK
        while time.monotonic() < until:
            if not turns:
                time.sleep(max(0.0, until - time.monotonic()))
                return
            turn = self._sent + self._pause
            time.sleep(max(0.0, min(turn, until) - time.monotonic()))
            if turn > until:
                return  # others would take a replay that is not renewed meanwhile
            self._sent = time.monotonic()
            group = turns.popleft()
            job_id = group.next()
            self._note(job_id, group, self._sender.send(job_id, group.items[job_id]))
            if group.may_send():
                turns.append(group)

    def _look(self) -> None:
        """See how the letters ended that are on their way."""
        for group in self._groups.values():
            out = group.in_state("sent")
            now = dict(zip(out, self._store.letter_states(out), strict=True))
            gone = [job_id for job_id, letter in now.items() if letter is None]
            why = dict(zip(gone, self._store.replay_ends(self._id, gone), strict=True))
            for job_id, letter in now.items():
                item = ended(group.items[job_id], letter, why.get(job_id, ""))
                if item.state != "sent":
                    self._note(job_id, group, item)

    def _note(self, job_id: str, group: RunningGroup, item: Item) -> None:
        self._store.set_replay_item(self._id, job_id, item.record())
        group.change(job_id, item)

    def _claim(self) -> None:
        """Take the replay; one whose process was killed is free after a while, on the same machine at once."""
        give_up = time.monotonic() + _CLAIM + _RENEW
        while (holder := self._store.acquire(claim_of(self._id), self._me, _CLAIM)) != self._me:
            if is_gone(holder):
                self._store.release(claim_of(self._id), holder)
            elif time.monotonic() > give_up:
                raise LetterError(f"replay {self._id} is being run by another process: {holder}")
            else:
                time.sleep(_LOOK)

    def _renew(self) -> None:
        if time.monotonic() > self._renewed + _RENEW:
            self._store.extend(claim_of(self._id), self._me, _CLAIM)
            self._renewed = time.monotonic()
