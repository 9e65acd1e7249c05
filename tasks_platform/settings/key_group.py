"""Keys as settings give them: in a variable, in a file, or in both."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr, field_validator

from tasks_platform.errors import SettingsError
from tasks_platform.sealing import KeyRing
from tasks_platform.settings.group import Group


class Keys(Group):
    """Named keys; ``tasks-platform keys new`` makes one."""

    #: How the variables of the group begin.
    variable: ClassVar[str]

    #: ``NAME:KEY`` entries separated by commas: the first is used for what is new, all of them for what is old.
    keys: SecretStr | None = None
    #: A file with such entries, one a line; they come after those of *keys*.
    keys_file: Path | None = None

    @field_validator("keys")
    @classmethod
    def _is_readable(cls, keys: SecretStr | None) -> SecretStr | None:
        KeyRing.read(keys.get_secret_value() if keys else "")
        return keys

    @cached_property
    def ring(self) -> KeyRing:
        """The keys, in order.

        Raises:
            SettingsError: if the file cannot be read.

        """
        given = self.keys.get_secret_value() if self.keys else ""
        try:
            kept = self.keys_file.read_text() if self.keys_file else ""
            return KeyRing.read(f"{given}\n{kept}")
        except (OSError, ValueError) as error:
            raise SettingsError(f"{self.variable}__KEYS_FILE: {self.keys_file} cannot be used: {error}") from None
