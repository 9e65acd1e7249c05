"""What the README has to say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from tasks_platform.broker.leased.names import Names
from tasks_platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TEXTS = "\n".join((ROOT / name).read_text() for name in ("README.md", "deploy/README.md"))


def variables() -> Iterator[tuple[str, str]]:
    """Yield every variable of the environment as its group and the field in it, which tables shorten to ``__FIELD``."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from ((f"TASKS_{name.upper()}", f"__{inner.upper()}") for inner in field.annotation.model_fields)
        else:
            yield f"TASKS_{name.upper()}", ""


def test_every_setting_is_told() -> None:
    told = {
        (group, field)
        for group, field in variables()
        if f"{group}{field}" in TEXTS or (field and f"{group}__" in TEXTS and f"`{field}" in TEXTS)
    }
    assert set(variables()) - told == set()


def test_every_key_of_the_broker_is_told() -> None:
    names = Names()
    shared = [getattr(names, name) for name, value in vars(Names).items() if isinstance(value, property)]
    own = [
        names.sent("CHANNEL"),
        names.index("email"),
        names.claimed("WORKER"),
        names.delayed("email"),
        names.wake("email", 0),
        names.held("email"),
        names.dropped("ID"),
        names.ended(29_000_000).replace("29000000", "MINUTE"),
    ]
    assert len(shared) == 7
    assert [key for key in (*shared, *own, names.ready("email", 0)) if f"| `{key}`" not in TEXTS] == []
    assert names.ready("email", 1).encode("unicode_escape").decode() in TEXTS
