"""What is sealed as it travels: ``{"sealed": "<key>:<nonce and ciphertext>"}``, plain JSON that only the key opens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from tasks_platform.errors import SealingError
from tasks_platform.sealing.censor import HIDDEN, notice
from tasks_platform.sealing.keys import KeyRing
from tasks_platform.sealing.logs import censor_all_records

_NONCE: Final = 12
_SHAPE = re.compile(r"(?P<key>[A-Za-z0-9][A-Za-z0-9_.-]{0,63}):(?P<sealed>[A-Za-z0-9_-]{38,}={0,2})")
#: Says what a value that belongs to no single parameter was sealed as; part of what is authenticated.
_ORIGIN: Final = "as"
_RESULT: Final = "result of "


class Scope:
    """What sealing and opening needs to know of a call: the keys, the task, and the parameter it is at.

    Task and parameter are authenticated with every value (AES-GCM's associated data): one that is moved to another
    task or parameter does not open. A result says of which task it is the result, and opens in any sealed parameter.
    """

    def __init__(self, ring: KeyRing, task: str, *, origin: str | None = None) -> None:
        self._ring = ring
        self._task = task
        self._origin = origin
        #: The parameter whose value is being written or read.
        self.parameter = ""
        #: Why something could not be sealed: pydantic, through which it is raised, makes another error of it.
        self.trouble: SealingError | None = None

    @classmethod
    def of_result(cls, ring: KeyRing, task: str) -> Scope:
        """Return the scope of what *task* returns."""
        return cls(ring, task, origin=f"{_RESULT}{task}")

    @classmethod
    def of_part(cls, ring: KeyRing, task: str) -> Scope:
        """Return the scope of arguments of a signature of *task*, of which nobody knows yet where they belong."""
        return cls(ring, task, origin=f"part of {task}")

    @classmethod
    def of_step(cls, ring: KeyRing, task: str, step: str) -> Scope:
        """Return the scope of what the step *step* of a job of *task* returned."""
        return cls(ring, task, origin=f"step {step} of {task}")

    def seal(self, value: Any) -> dict[str, str]:
        """Return *value*, plain JSON, sealed; it counts as a secret of the current run.

        Raises:
            SealingError: if there is no key; the message says how to get one.

        """
        name = self._ring.active
        if name is None:
            self.trouble = SealingError(no_key(self._task))
            raise self.trouble
        self.notice(value)
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher(name).encrypt(nonce, _as_text(value).encode(), self._bound(self._origin))
        envelope = {"sealed": f"{name}:{base64.urlsafe_b64encode(sealed).decode()}"}
        return envelope if self._origin is None else {**envelope, _ORIGIN: self._origin}

    def open(self, envelope: Mapping[str, str]) -> Any:
        """Return what *envelope* holds; it counts as a secret of the current run.

        Raises:
            SealingError: if its key is not here, or it was changed or moved; the message says which.

        """
        origin = envelope.get(_ORIGIN)
        if origin not in {None, self._origin} and not str(origin).startswith(_RESULT):
            raise SealingError(f"{self._where}: what stands here was sealed as {origin!r}, and opens only as that")
        name, sealed = envelope["sealed"].split(":")
        if name not in self._ring.keys:
            raise SealingError(
                f"{self._where} was sealed with the key {name!r}, which this process does not have: add it to "
                "TASKS_SEALING__KEYS or TASKS_SEALING__KEYS_FILE of the workers, then replay the job"
            )
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see _cipher

        try:
            data = base64.urlsafe_b64decode(sealed)
            text = self._cipher(name).decrypt(data[:_NONCE], data[_NONCE:], self._bound(origin))
        except (InvalidTag, binascii.Error, ValueError):
            raise SealingError(
                f"{self._where} does not open: it was changed after it was sealed, was sealed for another task or "
                f"parameter, or with another key that is called {name!r}, too"
            ) from None
        value = json.loads(text)
        self.notice(value)
        return value

    def digest(self, envelope: Mapping[str, str]) -> str:
        """Return what is the same for equal values under the same key, and tells nothing to who does not have it.

        Raises:
            SealingError: as `open` does.

        """
        value = self.open(envelope)
        key = hmac.digest(self._ring.keys[envelope["sealed"].partition(":")[0]], b"tasks-platform digest", "sha256")
        text = f"{self._task}\0{self.parameter}\0{json.dumps(value, sort_keys=True)}"
        return f"sealed:{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"

    def holds(self, value: Any) -> bool:
        """Tell whether *value* is an envelope that was sealed as what this scope is of."""
        return is_envelope(value) and value.get(_ORIGIN) == self._origin

    @staticmethod
    def notice(value: Any) -> None:
        """Let *value*, plain JSON, be a secret of the current run, also in its logs."""
        if notice(value):
            censor_all_records()

    @property
    def _where(self) -> str:
        if self._origin is not None:
            return f"the {self._origin}"
        return f"{self._task}: parameter {self.parameter!r}"

    def _bound(self, origin: str | None) -> bytes:
        """Return what is authenticated with a value."""
        of = ("argument", self._task, self.parameter) if origin is None else ("as", origin)
        return json.dumps(of).encode()

    def _cipher(self, name: str) -> Any:
        # it takes long to import, and most processes seal nothing
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

        return AESGCM(self._ring.keys[name])


def no_key(task: str) -> str:
    """Say that *task* seals and there is no key, and what to do."""
    return (
        f"{task} seals its secrets, and there is no key to seal with: make one with 'tasks-platform keys new', and "
        "set it in TASKS_SEALING__KEYS or TASKS_SEALING__KEYS_FILE of everything that sends or runs such jobs"
    )


def is_envelope(value: Any) -> bool:
    """Tell whether *value* is something sealed."""
    return (
        isinstance(value, Mapping)
        and "sealed" in value
        and value.keys() <= {"sealed", _ORIGIN}
        and all(isinstance(part, str) for part in value.values())
        and _SHAPE.fullmatch(value["sealed"]) is not None
    )


def masked(value: Any) -> Any:
    """Return *value*, plain JSON, with `HIDDEN` in place of everything sealed: what people are shown."""
    if isinstance(value, Mapping):
        return HIDDEN if is_envelope(value) else {key: masked(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(masked(item) for item in value)
    return value


def _as_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
