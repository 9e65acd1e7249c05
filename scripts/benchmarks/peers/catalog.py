"""Who takes part: each file of ``participants/`` says so itself, in a block of comments like inline script metadata."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

FOLDER: Final = Path(__file__).parents[1] / "participants"
#: What the ratios are to.
BASE: Final = "celery-prefork"
#: The first ones, in this order; others follow by name.
_FIRST: Final = (BASE, "celery-threads", "threads", "async", "prefork", "bare-threads", "bare-prefork")
_BLOCK: Final = re.compile(r"^(#|//) /// script\n((?:\1.*\n)*?)\1 ///$", re.MULTILINE)


class PeerError(Exception):
    """A participant could not be installed, or did not do what it should."""


class Participant(BaseModel):
    """One line of the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    #: Pinned; none are needed by what runs in the environment of the scripts.
    packages: tuple[str, ...] = ()
    name: str
    title: str = ""
    #: What becomes of a job whose worker is killed.
    delivery: str
    environment: dict[str, str] = {}
    #: Jobs that a process runs at a time, where they do nothing.
    slots: int = 1
    #: Whether two processes are two workers: it has no option for it.
    copies: bool = False
    #: Whether it has a way of sending many, can run many naps at a time, and can be given what is due later.
    bulk: bool = True
    naps: bool = True
    later: bool = True


def participants(folder: Path = FOLDER) -> list[Participant]:
    """Read all participants."""
    found = [one for file in sorted(folder.iterdir()) if file.is_file() for one in read(file)]
    return sorted(found, key=lambda one: (_FIRST.index(one.name) if one.name in _FIRST else len(_FIRST), one.name))


def read(file: Path) -> list[Participant]:
    """Read who takes part by a file: nobody, if it has no such block."""
    block = _BLOCK.search(file.read_text())
    if block is None:
        return []
    data = tomllib.loads("".join(line.removeprefix(block[1]).lstrip() + "\n" for line in block[2].splitlines()))
    return [
        Participant(file=file, packages=data["dependencies"], **{"title": row["name"], **row})
        for row in data["participant"]
    ]
