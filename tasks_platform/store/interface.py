"""What the platform remembers outside a process, as atomic operations.

Every operation may be repeated after a lost connection: repeating it with the same arguments changes nothing.
Records are JSON objects. Times are seconds; durations are seconds as float.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

Record = dict[str, Any]
#: The id of the job that holds a unique key.
Holder = str
NOBODY: Final[Mapping[str, Record]] = MappingProxyType({})


class JobIds(Protocol):
    """Which ids of a caller's choice are taken."""

    def reserve(self, job_id: str, token: str, ttl: float) -> Literal["free", "reserved", "taken"]:
        """Reserve *job_id* for the sender *token*; ``reserved`` means that another sender is at it.

        The id of a dead letter is taken. A reservation lapses after *ttl* seconds without ``confirm``.
        """

    def confirm(self, job_id: str, ttl: float) -> None:
        """Record that the message of *job_id* was sent: the id is taken for *ttl* seconds."""

    def unreserve(self, job_id: str, token: str) -> None:
        """Give up a reservation whose message was not sent."""

    def retire(self, job_id: str, ttl: float) -> None:
        """Record that *job_id* has ended: its id stays taken for *ttl* seconds more."""


class UniqueKeys(Protocol):
    """Which job holds a unique key, and which ones follow it."""

    def acquire(self, key: str, owner: str, ttl: float) -> Holder:
        """Take *key* for *owner* for *ttl* seconds if it is free, and tell who holds it now."""

    def extend(self, key: str, owner: str, ttl: float) -> None:
        """Keep *key* for *ttl* seconds from now, if it is (still) *owner*'s."""

    def holder(self, key: str) -> Holder | None:
        """Tell who holds *key*."""

    def follow(  # noqa: PLR0913 - the key, who follows, and how
        self,
        key: str,
        job_id: str,
        message: Mapping[str, Any],
        ttl: float,
        *,
        extend: bool = True,
        claim: tuple[int, str] | None = None,
    ) -> tuple[Holder, Record | None]:
        """Keep *message* until the holder of *key* ends; if the key is free, take it for *job_id* instead.

        A key that is the job's already is kept for *ttl* seconds from now, unless not to *extend* it. A follower
        gives back its *claim* (attempt and copy, see ``begin``): the same attempt will come again as another copy.
        Answer with the holder, and with its outcome if it ended already and keeps the key (``settle``).
        """

    def settle(self, key: str, owner: str, outcome: Mapping[str, Any]) -> None:
        """Remember how *owner* ended, for those who come while it keeps *key*."""

    def release(
        self, key: str, owner: str, delivered: Mapping[str, Record] = NOBODY, *, keep: bool = False
    ) -> dict[str, Record]:
        """Forget the followers in *delivered*; if none is left, free *key* unless *keep*, else answer with them.

        Followers are messages by job id. One that came back with another message is answered with again.
        A key of another job is left alone, and the answer is empty. One that expired counts as the caller's.
        """


class Runs(Protocol):
    """What happened to the attempts of jobs that failed at least once."""

    def begin(self, job_id: str, attempt: int, copy: str) -> bool:
        """Claim *attempt* for the message *copy*; False if another copy of the message claimed it before."""

    def withdraw(self, job_id: str, attempt: int, copy: str) -> None:
        """Give the claim of *copy* back, so that another copy may run this attempt."""

    def decide(
        self, job_id: str, attempt: int, record: Mapping[str, Any], verdict: Mapping[str, Any], letter: Record | None
    ) -> Record:
        """Record how *attempt* failed and what becomes of the job; the first verdict stands and is returned.

        With *letter* the job becomes a dead letter in the same step.
        """

    def attempts(self, job_id: str) -> list[Record]:
        """Return the failed attempts of *job_id*, the first first."""

    def forget(self, job_id: str) -> None:
        """Drop what was kept of *job_id*, its dead letter included: it succeeded or was given up.

        Which copies of its messages were run is kept for a while, so that a late one is not run again.
        """


class Letters(Protocol):
    """The dead letters. A record has the keys that ``tasks_platform.policies.dead_letters`` writes."""

    def letter(self, job_id: str) -> Record | None:
        """Return one letter."""

    def letters(self, offset: int = 0, limit: int = 100) -> list[Record]:
        """Return letters, the newest first."""

    def count_letters(self) -> int:
        """Count all letters."""

    def edit_letter(self, job_id: str, message: Mapping[str, Any], version: int) -> bool:
        """Replace the message of a letter whose version is still *version*."""

    def mark_replaying(self, job_id: str, at: float) -> Record | None:
        """Record that *job_id* is being sent again, and return its letter."""


class Steps(Protocol):
    """What happened once inside a job, across its attempts."""

    def begin_step(self, job_id: str, step: str, run: str, lease: float) -> tuple[Literal["do", "done", "busy"], Any]:
        """Claim *step* for *run*, or learn its result, or that another run is at it (for at most its lease)."""

    def finish_step(self, job_id: str, step: str, result: Any, ttl: float) -> None:
        """Remember what *step* returned for *ttl* seconds, and as long as the job is a dead letter."""

    def abandon_steps(self, job_id: str, run: str) -> None:
        """Free the steps that were begun and not finished by a run whose name begins with *run*: it is over."""


class Flows(Protocol):
    """Graphs of jobs and how far they are."""

    def create_flow(self, flow_id: str, flow: Mapping[str, Any], steps: Mapping[str, Mapping[str, Any]]) -> bool:
        """Store a flow and its steps by job id; False if there is one of that id."""

    def flow(self, flow_id: str) -> Record | None:
        """Return what ``create_flow`` stored, with ``steps`` as stored and ``states`` by job id."""

    def update_flow(self, flow_id: str, changes: Mapping[str, Any]) -> None:
        """Change fields of a flow, if there is one of that id."""

    def mark_step(self, flow_id: str, job_id: str, state: str) -> None:
        """Record the state of one step, if there is such a flow."""

    def flows(self) -> list[str]:
        """Return the ids of all flows, the newest first."""


class Watch(Protocol):
    """What people look at while a job runs."""

    def report(self, job_id: str, progress: Mapping[str, Any], ttl: float) -> None:
        """Remember how far a job is."""

    def progress(self, job_id: str) -> Record | None:
        """Tell how far a job is."""

    def first_seen(self, what: str, now: float, ttl: float) -> float:
        """Return when *what* was first asked for; the first time that is *now*."""


class Store(JobIds, UniqueKeys, Runs, Letters, Steps, Flows, Watch, Protocol):
    """All of it."""
