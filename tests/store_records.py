"""Records as they lie in a store."""

from __future__ import annotations

LONG = 1000.0
#: What runs out while a test waits.
SHORT = 0.1
#: What runs out, but not before the test has done what it does before.
BRIEF = 0.5


def message(text="first", **more):
    return {"task": "shop.ship", "args": [text, 1.5, None, "é"], "kwargs": {}, "options": {"headers": more}}


def letter(died_at=1.0, **fields):
    return {
        "id": "job",
        "state": "dead",
        "died_at": died_at,
        "message": message(),
        "cause": {"type": "KeyError"},
        **fields,
    }


def attempt(number):
    return {"attempt": number, "error": {"type": "KeyError", "message": str(number)}}


AGAIN = {"again_in": 2.5, "parked": False}
DEAD = {"again_in": None, "parked": False}


def bury(store, job_id="job", number=1, **fields):
    store.decide(job_id, number, attempt(number), DEAD, letter(id=job_id, **fields))


FLOW = {"kind": "month", "rule": "park", "created_at": 5.0}
STEPS = {"a": {"task": "shop.bill", "after": []}, "b": {"task": "shop.mail", "after": ["a"]}}
