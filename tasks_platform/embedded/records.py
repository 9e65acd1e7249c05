"""What is written down about an embedded server: how to reach it, and what its supervisor does."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Access:
    """How this user's processes reach the server."""

    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


class Phase(StrEnum):
    """Where a supervisor is."""

    STARTING = "starting"
    READY = "ready"
    #: It gave up; the reason says why.
    FAILED = "failed"
    #: Nobody used the server any more, or the supervisor was told to end.
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a supervisor says of itself; true only while it holds its lock."""

    phase: Phase
    #: Process id of the supervisor.
    supervisor: int
    #: Process id of the server; 0 when there is none.
    server: int = 0
    binary: str = ""
    #: Name and version of the server: ``Valkey 9.1.2``.
    version: str = ""
    #: Why the supervisor gave up.
    reason: str = ""
    #: When the supervisor took over, in nanoseconds since 1970; tells reports of two supervisors apart.
    since: int


def read_access(path: Path) -> Access | None:
    """Read how to reach the server; None when that was never written or is damaged."""
    record = _read(path)
    try:
        return Access(port=int(record["port"]), password=str(record["password"]))
    except (KeyError, ValueError, TypeError):
        return None


def read_report(path: Path) -> Report | None:
    """Read what the last supervisor said; None when there was none or the record is damaged."""
    record = _read(path)
    try:
        return Report(**{**record, "phase": Phase(record["phase"])})
    except (KeyError, ValueError, TypeError):
        return None


def write_record(path: Path, record: Access | Report) -> None:
    """Replace the record as a whole: a reader sees the old one or the new one."""
    write_private(path, json.dumps(asdict(record)))


def write_private(path: Path, text: str) -> None:
    """Replace *path* at once by a file that only this user can read."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(draft, "w", opener=private, encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def private(path: str, flags: int) -> int:
    """Open *path* so that a file that is created is this user's alone."""
    return os.open(path, flags, 0o600)


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
