"""Whether a value that travels as JSON arrives as what it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from tasks_platform.errors import TaskDefinitionError

_FAITHFUL = frozenset({str, int, float, bool, NoneType, UUID, date, datetime, time, timedelta, Decimal})
_FAITHFUL_KEYS = frozenset({str, int, UUID, date})
_CONTAINERS = frozenset({list, set, frozenset, tuple})


def arrives(hint: Any) -> bool:
    """Tell whether every value of *hint* arrives as what it was; of others each value is looked at."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:  # what is annotated may change how it is written
        return False
    if origin in _CONTAINERS:
        return all(arrives(item) for item in inner if item is not Ellipsis)
    if origin is dict:
        return inner[0] in _FAITHFUL_KEYS and arrives(inner[1])
    if origin in {Union, UnionType}:  # of two alternatives the JSON of one may look like the other
        alternatives = [item for item in inner if item is not NoneType]
        return len(alternatives) == 1 and arrives(alternatives[0])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return all(type(member.value) in {str, int} for member in hint)
    return hint in _FAITHFUL


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are of one type and equal, also where Python says otherwise of equal ones."""
    return type(one) is type(other) and bool(one == other or _same_inside(one, other))


def _same_inside(one: Any, other: Any) -> bool:
    """Compare what ``==`` takes for different: dataclasses that do not define it, an hour that comes twice a year."""
    if isinstance(one, (datetime, time)):
        return bool(one.isoformat() == other.isoformat())
    if isinstance(one, BaseModel):
        return same(dict(one), dict(other))
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name, None), getattr(other, f.name, None)) for f in dataclasses.fields(one))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return isinstance(one, (list, tuple)) and len(one) == len(other) and all(map(same, one, other))


def refuse_secrets(parameter: str, hint: Any) -> None:
    """Refuse what pydantic writes as stars.

    Raises:
        TaskDefinitionError: naming *parameter*.

    """
    if any(isinstance(kind, type) and issubclass(kind, (Secret, SecretBytes, SecretStr)) for kind in _kinds(hint)):
        raise TaskDefinitionError(
            f"parameter {parameter!r} is a secret, of which a message would carry only stars; "
            "mark its plain type, as in Sealed[str], and it is encrypted; or send a reference to it, such as an id"
        )


def _kinds(hint: Any) -> Iterator[Any]:
    yield get_origin(hint) or hint
    for inner in get_args(hint):
        yield from _kinds(inner)
