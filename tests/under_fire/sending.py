"""The producer: sends jobs of all kinds, and writes into the ledger which of them were sent."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from celery import chain, chord

from under_fire import ledger

#: How often each kind of job is sent, in relation to the others.
KINDS: Final = {
    "succeeds": 100,
    "takes_a_while": 8,
    "lasts": 1,
    "fails_at_first": 20,
    "is_held": 20,
    "is_refused": 2,
    "is_named": 12,
    "holds_a_key": 12,
    "waits_with_a_key": 12,
    "takes_a_step": 8,
    "chain": 8,
    "chord": 6,
}
#: Seconds that jobs take which are not short.
_WHILE: Final = (0.05, 0.5)
_LONG: Final = (1.0, 5.0)
_STEP: Final = (0.002, 0.1)
#: How often a job is sent again that has an id of the caller's choice, until it is known to be there.
_TRIES: Final = 20


class Producer:
    """Sends jobs until there are enough."""

    def __init__(self, app: Any, chance: random.Random) -> None:
        self._chance = chance
        self._sent = 0
        self._task = {name.rpartition(".")[2]: task for name, task in app.tasks.items() if name.startswith("under_")}

    def send_all(self, jobs: int, is_time: Callable[[float], bool], told: Callable[[float], None]) -> None:
        """Send *jobs*; the share of them that was sent waits until its time has come."""
        while self._sent < jobs:
            kind = self._chance.choices(list(KINDS), list(KINDS.values()))[0]
            getattr(self, f"_{kind}", self._single)(kind, f"{kind}-{self._sent}")
            told(share := min(1.0, self._sent / jobs))
            while not is_time(share):
                time.sleep(0.02)

    def _single(self, kind: str, name: str) -> None:
        self._send([name], lambda: self._task[kind].delay(name))

    def _takes_a_while(self, _kind: str, name: str) -> None:
        self._send([name], lambda: self._task["succeeds"].delay(name, self._chance.uniform(*_WHILE)))

    def _lasts(self, _kind: str, name: str) -> None:
        self._send([name], lambda: self._task["succeeds"].delay(name, self._chance.uniform(*_LONG)))

    def _fails_at_first(self, kind: str, name: str) -> None:
        self._send([name], lambda: self._task[kind].delay(name, self._chance.randint(1, 3)))

    def _is_held(self, kind: str, name: str) -> None:
        until = time.time() + self._chance.choice([0.02, 0.1, 3.0]) * self._chance.random()
        self._send([name], lambda: self._task[kind].delay(name, until))

    def _is_refused(self, kind: str, name: str) -> None:
        self._send([name], lambda: self._task[kind].apply_async((name,), task_id=name))

    def _is_named(self, _kind: str, name: str) -> None:
        """Send a job by an id of its own until it is known to be there, and once more: it is one job."""
        for again in range(_TRIES):
            if self._send([name], lambda: self._task["succeeds"].apply_async((name,), task_id=name), count=not again):
                break
        other = f"{name}.again"
        if self._send([other], lambda: self._task["succeeds"].apply_async((other,), task_id=name)):
            ledger.write(ledger.NOT_SENT, other)

    def _takes_a_step(self, kind: str, name: str) -> None:
        """Send a job of one step, which is to be done once."""
        step, seconds = f"{name}.step", self._chance.uniform(*_STEP)
        self._send([name, step], lambda: self._task[kind].delay(name, step, seconds))

    def _waits_with_a_key(self, kind: str, name: str) -> None:
        """Send two jobs of one key: the second is no job while the first has not begun."""
        self._two_of_a_key(kind, name, pause=self._chance.uniform(*_STEP) / 5)

    def _holds_a_key(self, kind: str, name: str) -> None:
        """Send two jobs of one key: the second is no job while the first is not done."""
        self._two_of_a_key(kind, name, pause=0.0)

    def _two_of_a_key(self, kind: str, name: str, pause: float) -> None:
        first, second = f"{name}.first", f"{name}.second"
        self._send([first], lambda: self._task[kind].delay(first, name, self._chance.uniform(*_STEP)))
        time.sleep(pause)
        ids: list[str] = []
        if self._send([second], lambda: ids.append(self._task[kind].apply_async((second, name), task_id=second).id)):
            ledger.write(ledger.SENT if ids == [second] else ledger.NOT_SENT, second)

    def _chain(self, _kind: str, name: str) -> None:
        names = [f"{name}.{step}" for step in range(3)]
        self._send(names, lambda: chain(*(self._task["links"].si(one) for one in names)).apply_async())

    def _chord(self, _kind: str, name: str) -> None:
        parts, body = [f"{name}.{part}" for part in range(3)], f"{name}.body"
        links, joins = self._task["links"], self._task["joins"]
        self._send([*parts, body], lambda: chord([links.s(one) for one in parts], joins.s(body)).apply_async())

    def _send(self, names: list[str], send: Callable[[], object], *, count: bool = True) -> bool:
        """Send something, and note it; False if nobody knows whether it was sent."""
        self._sent += len(names) if count else 0
        for name in names:
            ledger.write(ledger.SENDING, name)
        outcome = ledger.UNSURE
        with suppress(Exception):  # whatever it is: nobody knows whether it was sent
            send()
            outcome = ledger.SENT
        for name in names:
            ledger.write(outcome, name)
        if outcome == ledger.UNSURE:
            time.sleep(0.2)
        return outcome == ledger.SENT
