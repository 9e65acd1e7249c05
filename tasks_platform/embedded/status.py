"""What is known of the embedded server, for a person to read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tasks_platform.embedded.folder import Folder, explained
from tasks_platform.embedded.identity import identify
from tasks_platform.embedded.locks import held_alone
from tasks_platform.embedded.records import Phase, read_access, read_report


@dataclass(frozen=True, kw_only=True)
class ServerStatus:
    """The embedded server of a state folder at one moment."""

    #: Whether it answers.
    running: bool
    #: Process ids of the server and its supervisor; None where there is none.
    pid: int | None
    supervisor: int | None
    #: The port it has or had; None before the first start.
    port: int | None
    #: Name and version: ``Valkey 9.1.2``.
    version: str | None
    data: Path
    log: Path
    #: Why the last supervisor gave up; empty if it did not.
    problem: str


def status(state_dir: Path) -> ServerStatus:
    """Look at the server of *state_dir*; nothing is created, started or kept.

    Raises:
        NoServerError: the folder is another user's or cannot be read.

    """
    folder = Folder.of(state_dir)
    with explained(folder.root):
        supervised = folder.exists() and held_alone(folder.supervisor_lock)
        access = read_access(folder.access) if folder.exists() else None
        report = read_report(folder.report) if folder.exists() else None
        identity = identify(access, folder.data) if supervised and access else None
    return ServerStatus(
        running=identity is not None,
        pid=identity.pid if identity else None,
        supervisor=report.supervisor if supervised and report else None,
        port=access.port if access else None,
        version=identity.version if identity else None,
        data=folder.data,
        log=folder.log,
        problem=report.reason if report and report.phase is Phase.FAILED and not supervised else "",
    )
