"""What a letter's message says: whether something waits for the job, and what a replay sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import BoundArguments, Signature
from typing import Any

import celery
from celery.app.task import Context

from tasks_platform.broker.leased.payload import DELIVERIES, DIED
from tasks_platform.errors import LetterError
from tasks_platform.sealing import UNTRUSTED
from tasks_platform.task import PlatformTask
from tasks_platform.task.envelope import AWAITING, HEADER, message_of

Letter = dict[str, Any]

#: Header keys that belong to one run and must not come back with a replay.
_OF_ONE_RUN = ("copy", "outcome")
#: Header keys that make a job a step of its flow.
_OF_A_STEP = ("flow", "rule")
#: What the worker's main process calls the failure of a message that it could hand to no task.
_NEVER_RUN = frozenset({"NotRegistered", "DecodeError", "DeliveryLimit", "GivenUp"})


def own_headers(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the platform's header of a message, understood or raw."""
    headers = (message if message.get("raw") else message["options"]).get("headers") or {}
    return dict(headers.get(HEADER) or {})


def is_parked(letter: Letter) -> bool:
    """Tell whether what the job is part of waits for it, also while it is being replayed.

    A flow that parks does, and whatever a job is part of that was never run: a message that could not be
    sent or understood has failed nothing.
    """
    if is_untrusted(letter):
        return False
    own = own_headers(letter["message"])
    if own.get("rule") == "park" and "flow" in own:
        return True
    last: dict[str, Any] = letter["attempts"][-1]
    return last["attempt"] == 0 or letter["cause"]["type"] in _NEVER_RUN


def is_untrusted(letter: Letter) -> bool:
    """Tell whether the message was refused because no key has signed it as it is: whatever it says may be a lie."""
    return bool(letter["cause"]["type"] == UNTRUSTED)


def require_trust(letter: Letter) -> None:
    """Raise if the message of *letter* was not trusted.

    Raises:
        LetterError: saying what can be done.

    """
    if is_untrusted(letter):
        raise LetterError(
            f"letter {letter['id']} is {letter['cause']['message']}; if you know that it is genuine, "
            "'tasks-platform letters vouch' signs it as it came and sends it; else discard it"
        )


def is_awaited(letter: Letter) -> bool:
    """Tell whether the job was sent as part of a flow, chain or chord, or with a callback."""
    message = letter["message"]
    return "flow" in own_headers(message) or any(message.get("options", {}).get(name) for name in AWAITING)


def message_to_replay(letter: Letter) -> dict[str, Any]:
    """Return the message that a replay of *letter* sends: without its place in what failed with it."""
    message: dict[str, Any] = letter["message"]
    if message.get("raw"):
        return message
    parked = is_parked(letter)
    left_out = {"expires", *(() if parked else AWAITING)}
    options = {name: value for name, value in message["options"].items() if name not in left_out}
    others = without_deaths(options.get("headers") or {})
    of_the_past = {*_OF_ONE_RUN, *(() if parked else _OF_A_STEP)}
    own = {name: value for name, value in own_headers(message).items() if name not in of_the_past}
    return {**message, "options": {**options, "headers": {**others, HEADER: own}}}


def without_deaths(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return *headers* without the workers that died with the message: who replays it has mended what killed them."""
    return {name: value for name, value in headers.items() if name not in {DELIVERIES, DIED}}


def understood(app: celery.Celery, letter: Letter) -> Letter:
    """Return *letter* with the message of a job where no worker understood it and this process does."""
    raw = letter["message"]
    if not raw.get("raw"):
        return letter
    try:
        args, kwargs, rest = json.loads(raw["body"])
        following = {name: rest.get(name) for name in ("callbacks", "errbacks", "chain", "chord")}
        delivery = {"routing_key": raw["queue"], "priority": raw["properties"].get("priority")}
        request = Context({**raw["headers"], **following, "delivery_info": delivery})
        task = app.tasks.get(letter["task"])
        if not isinstance(task, PlatformTask):
            return letter
        return {**letter, "message": message_of(task, request, args, kwargs)}
    except (AttributeError, TypeError, ValueError):
        return letter  # it is no task message at all


def arguments_with(signature: Signature, message: Mapping[str, Any], changes: Mapping[str, Any]) -> BoundArguments:
    """Return the arguments of *message* with *changes*; where they fit no call, the changes have to be all of them."""
    try:
        given = signature.bind_partial(*message["args"], **message["kwargs"])
    except TypeError:
        given = signature.bind_partial()
    given.arguments.update(changes)
    return given
