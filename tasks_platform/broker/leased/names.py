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
