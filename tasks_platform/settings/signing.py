"""The keys that sign messages, and whether unsigned ones are refused."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from tasks_platform.settings.key_group import Keys


class Signing(Keys):
    """The keys of signed messages: the first signs, all of them verify. Without keys nothing is signed."""

    variable: ClassVar[str] = "TASKS_SIGNING"

    #: Refuse messages that no key of these has signed: they become dead letters.
    required: bool = False

    @model_validator(mode="after")
    def _can_verify(self) -> Self:
        if self.required and self.keys is None and self.keys_file is None:
            raise ValueError("REQUIRED refuses every message as long as there are no KEYS and no KEYS_FILE")
        return self
