"""The keys that seal secrets in arguments and results."""

from __future__ import annotations

from typing import ClassVar

from tasks_platform.settings.key_group import Keys


class Sealing(Keys):
    """The keys of what is marked as ``Sealed``: the first seals, all of them open."""

    variable: ClassVar[str] = "TASKS_SEALING"
