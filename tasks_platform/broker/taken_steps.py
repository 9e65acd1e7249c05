"""TakenSteps: a consumer of kombu's Redis transport that takes messages of some levels only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class TakenSteps(list[int]):
    """All priority steps of a channel, of which it takes the messages of some.

    They are the ``priority_steps`` of a channel. It iterates over its steps to take messages, and looks
    one up to put a message into its list: so whoever gives a message back, for itself or for a worker that died,
    puts it into the list of its own level.
    """

    def __init__(self, steps: Iterable[int], taken: Iterable[int]) -> None:
        super().__init__(steps)
        #: All steps.
        self.all = tuple(super().__iter__())
        self._taken = tuple(taken)

    def __iter__(self) -> Iterator[int]:
        return iter(self._taken)
