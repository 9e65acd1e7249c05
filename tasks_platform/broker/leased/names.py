"""Names: under which keys what is stored."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """The keys of one broker, which all begin with kombu's ``global_keyprefix``.

    ==============================  ==========  ====================================================================
    key                             type        holds
    ==============================  ==========  ====================================================================
    ``<queue>``, ``<queue><sep>3``  list        messages that are ready, one list per priority step: as kombu has it
    ``leased:delayed:<queue>``      sorted set  messages that are not due yet, by when they are, in ms since 1970
    ``leased:claimed:<worker>``     hash        messages that a worker has: the number of the claim -> list, message
    ``leased:ahead:<worker>``       set         the numbers of those that nobody there has begun with
    ``leased:workers``              sorted set  workers, by when their lease ends, in ms since 1970
    ``leased:dead``                 sorted set  workers that were dead, by when it was seen, in ms since 1970
    ``leased:wake:<list>``          sorted set  one member while somebody should look into the list
    ``leased:sent:<sender>``        text        the name of the last push of one sender
    ``leased:graveyard``            list        messages that nobody can run, newest first
    ``leased:index:<queue>``        hash        where the messages of a queue are: id of the job -> a hint
    ``leased:gone``                 hash        how many of each list were taken out, and still stand there empty
    ``leased:pushed``               hash        how many messages were ever put into each list
    ``leased:paused``               hash        queues from which nothing is taken: who has said so, when, and why
    ``leased:held:<queue>``         set         jobs of those that are not due yet that were set aside
    ``leased:ended:<minute>``       hash        how many messages of each queue were done with in a minute; for 2 h
    ``leased:dropped:<job>``        text        there for a minute after a worker has dropped a cancelled job
    ``leased:cancelled``            hash        jobs that workers have and are to drop or end: who has said so, and why
    ==============================  ==========  ====================================================================
    """

    prefix: str = ""
    #: Stands between the name of a queue and a priority step.
    sep: str = "\x06\x16"

    @property
    def workers(self) -> str:
        """Who has a lease, and until when."""
        return f"{self.prefix}leased:workers"

    @property
    def dead(self) -> str:
        """Whose messages were given to others."""
        return f"{self.prefix}leased:dead"

    @property
    def graveyard(self) -> str:
        """What nobody can run."""
        return f"{self.prefix}leased:graveyard"

    @property
    def paused(self) -> str:
        """From which queues nothing is taken."""
        return f"{self.prefix}leased:paused"

    @property
    def cancelled(self) -> str:
        """Which jobs are cancelled whose messages workers have."""
        return f"{self.prefix}leased:cancelled"

    @property
    def pushed(self) -> str:
        """How many were put into each list."""
        return f"{self.prefix}leased:pushed"

    @property
    def gone(self) -> str:
        """How many stand empty in each list."""
        return f"{self.prefix}leased:gone"

    def index(self, queue: str) -> str:
        """Return the key of where the messages of *queue* are."""
        return f"{self.prefix}leased:index:{queue}"

    def held(self, queue: str) -> str:
        """Return the key of the jobs of *queue* that were set aside."""
        return f"{self.prefix}leased:held:{queue}"

    def dropped(self, job_id: str) -> str:
        """Return the key that says of a cancelled job that it was not begun."""
        return f"{self.prefix}leased:dropped:{job_id}"

    def ended(self, minute: int) -> str:
        """Return the key of how much was done with in a *minute*, counted since 1970."""
        return f"{self.prefix}leased:ended:{minute}"

    def queue_of(self, key: bytes) -> str:
        """Return the queue whose messages lie under *key*."""
        return key.decode(errors="replace")[len(self.prefix) :].partition(self.sep)[0]

    def sent(self, sender: str) -> str:
        """Return the key of what *sender* has pushed last."""
        return f"{self.prefix}leased:sent:{sender}"

    def claimed(self, worker: str) -> str:
        """Return the key of what *worker* has."""
        return f"{self.prefix}leased:claimed:{worker}"

    def ahead(self, worker: str) -> str:
        """Return the key of what *worker* has and nobody has begun with."""
        return f"{self.prefix}leased:ahead:{worker}"

    def delayed(self, queue: str) -> str:
        """Return the key of what is not due yet in *queue*."""
        return f"{self.prefix}leased:delayed:{queue}"

    def ready(self, queue: str, step: int) -> str:
        """Return the key of the messages of *queue* that wait at a priority step."""
        return f"{self.prefix}{queue}{self.sep}{step}" if step else f"{self.prefix}{queue}"

    def step_of(self, queue: str, key: bytes) -> int:
        """Return the priority step of those messages of *queue* that lie under *key*."""
        return int(key.decode()[len(f"{self.prefix}{queue}{self.sep}") :] or 0)

    def wake(self, queue: str, step: int) -> str:
        """Return the key of the signal that *queue* has a message at a priority step."""
        return f"{self.prefix}leased:wake:{queue}{self.sep}{step}" if step else f"{self.prefix}leased:wake:{queue}"
