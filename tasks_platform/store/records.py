"""What the store's operations take and answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

Record = dict[str, Any]
#: The id of the job that holds a unique key.
Holder = str
NOBODY: Final[Mapping[str, Record]] = MappingProxyType({})
#: The verdict on a job that is a dead letter and holds nothing open.
DEAD: Final[Mapping[str, Any]] = MappingProxyType({"again_in": None, "parked": False})
#: What claims an attempt that was put back, so that no copy of a message can.
PUT_BACK: Final = "put back"


class Condition(NamedTuple):
    """What a job takes in the step that pushes its message, for a broker on the same server: see its ``Guarded``."""

    script: str
    keys: list[str]
    arguments: list[Any]
